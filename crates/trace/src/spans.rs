//! The three spans of a notice. Each ends when it is dropped.
//!
//! None is entered before its end, since the library takes the last exit for the end.

use std::time::SystemTime;

use notice::{Audience, NodeId, Notice, Scope, Trace, TraceParent, TraceState};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{
    context::{SPANS, numbers, of_parent, remote, under},
    latency::millis,
};

/// As many messages as one span names of those that it stands for.
pub(crate) const LINKS_MAX: usize = 32;

/// Who takes a message in, and since when it waited for that.
#[derive(Debug)]
pub struct Reader {
    /// Where it came from, a word of a closed list.
    pub source: &'static str,
    pub handed_in: SystemTime,
}

/// A message that is taken in, from its reading until it is settled.
#[derive(Debug)]
pub struct Ingest {
    span: Span,
    here: SpanContext,
    creation: u64,
    state: Option<TraceState>,
    /// Of those that were left out for it.
    left_out: Vec<SpanContext>,
    /// While the bus has it.
    publish: Option<Publish>,
}

/// A draft that is handed to the bus, until the bus has answered.
#[derive(Debug)]
pub struct Publish {
    span: Span,
    trace: Trace,
}

/// A notice that a node has heard, until it is handed to its sockets.
#[derive(Debug)]
pub(crate) struct Deliver(Span);

// === impl Ingest ===

impl Ingest {
    /// `None` if nobody keeps traces.
    pub(crate) fn begin(reader: &Reader, parent: Option<TraceParent>) -> Option<Self> {
        let span = info_span!(
            target: SPANS,
            parent: None,
            "ingest",
            otel.kind = "consumer",
            otel.status_code = Empty,
            messaging.system = "carillon",
            messaging.operation.name = "ingest",
            "messaging.operation.type" = "process",
            messaging.destination.name = "tasks",
            carillon.source = reader.source,
            carillon.waited_ms = millis(reader.handed_in, SystemTime::now()),
            carillon.outcome = Empty,
        );
        let here = started(&span, parent.as_ref().map(of_parent))?;
        let creation = parent.as_ref().map_or_else(|| numbers(&here).1, |parent| parent.span);
        let state = parent.and_then(|parent| parent.state);
        Some(Self { span, here, creation, state, left_out: Vec::new(), publish: None })
    }

    /// Stands for `earlier` too, which ends here.
    pub fn replace(&mut self, earlier: Self) {
        self.left_out.extend(earlier.left_out.iter().cloned());
        self.left_out.push(earlier.here.clone());
        self.left_out.truncate(LINKS_MAX);
        earlier.ended("left_out");
    }

    /// Its draft is handed to the bus. Gives what the notice takes along.
    pub fn publish(&mut self, audience: &Audience) -> Option<Trace> {
        let span = publish_span(audience);
        let here = started(&span, Some(self.here.clone()))?;
        for other in &self.left_out {
            span.add_link(other.clone());
        }
        let (id, publish) = numbers(&here);
        let trace = Trace { id, creation: self.creation, publish, state: self.state.clone() };
        self.publish = Some(Publish { span, trace: trace.clone() });
        Some(trace)
    }

    /// The bus has answered: what was begun last.
    pub fn answered(&mut self) -> Option<Publish> {
        self.publish.take()
    }

    /// Ends it. What is logged by `say` names the trace.
    pub fn refused(self, say: impl FnOnce()) {
        self.span.record("otel.status_code", "ERROR");
        self.span.record("carillon.outcome", "rejected");
        self.span.in_scope(say);
    }

    pub fn ended(self, outcome: &'static str) {
        self.span.record("carillon.outcome", outcome);
    }
}

/// What a notice takes along of `span`, which is the first one here and goes on from `parent`. `None`: it is not recorded.
pub(crate) fn begun(span: &Span, parent: Option<TraceParent>) -> Option<Trace> {
    let here = started(span, parent.as_ref().map(of_parent))?;
    let (id, publish) = numbers(&here);
    let creation = parent.as_ref().map_or(publish, |parent| parent.span);
    let state = parent.and_then(|parent| parent.state);
    Some(Trace { id, creation, publish, state })
}

// === impl Publish ===

impl Publish {
    /// Without a message that was taken in: the span is the first one here.
    pub(crate) fn begin(audience: &Audience, parent: Option<TraceParent>) -> Option<Self> {
        let span = publish_span(audience);
        let trace = begun(&span, parent)?;
        Some(Self { span, trace })
    }

    /// What the notice takes along.
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// Ends it: the bus did not take it.
    pub(crate) fn failed(self, outcome: &'static str) {
        self.span.record("otel.status_code", "ERROR");
        self.span.record("carillon.outcome", outcome);
    }

    /// Ends it. What is logged by `say` names the trace.
    pub(crate) fn ended(self, outcome: &'static str, nodes: usize, say: impl FnOnce()) {
        self.span.record("carillon.outcome", outcome);
        self.span.record("carillon.nodes", whole(nodes));
        self.span.in_scope(say);
    }
}

// === impl Deliver ===

impl Deliver {
    /// `None` for a notice that is not recorded. The span lies beside `publish` and not below it, and is linked
    /// to it: its parent is what made the message, as on every other node.
    pub(crate) fn begin(notice: &Notice, node: &NodeId) -> Option<Self> {
        let Trace { id, creation, publish, state } = &**notice.draft.trace.as_ref()?;
        let state = state.as_ref();
        let span = info_span!(
            target: SPANS,
            parent: None,
            "deliver",
            otel.kind = "consumer",
            messaging.system = "carillon",
            messaging.operation.name = "deliver",
            "messaging.operation.type" = "process",
            messaging.destination.template = template(&notice.draft.audience),
            messaging.message.id = %notice.position,
            carillon.node = node.as_str(),
            carillon.age_ms = millis(notice.draft.handed_in, SystemTime::now()),
            carillon.sockets = Empty,
        );
        started(&span, Some(remote(*id, *creation, state)))?;
        span.add_link(remote(*id, *publish, state));
        Some(Self(span))
    }

    /// Ends it. What is logged by `say` names the trace.
    pub(crate) fn ended(self, sockets: usize, say: impl FnOnce()) {
        self.0.record("carillon.sockets", whole(sockets));
        self.0.in_scope(say);
    }
}

fn publish_span(audience: &Audience) -> Span {
    info_span!(
        target: SPANS,
        parent: None,
        "publish",
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "carillon",
        messaging.operation.name = "publish",
        "messaging.operation.type" = "send",
        messaging.destination.template = template(audience),
        carillon.outcome = Empty,
        carillon.nodes = Empty,
    )
}

/// Begins it under `parent`; `None` if nobody keeps it.
pub(crate) fn started(span: &Span, parent: Option<SpanContext>) -> Option<SpanContext> {
    if span.is_disabled() {
        return None;
    }
    span.set_parent(under(parent)).ok()?;
    let context = span.context();
    let here = context.span().span_context().clone();
    here.is_valid().then_some(here)
}

/// What is signed goes out as a number, what is not as a text.
pub(crate) fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whom it is for, without saying whom: a user, a room, a socket or everyone of a namespace.
pub(crate) fn template(audience: &Audience) -> String {
    let scope = match &audience.scope {
        Scope::User(_) => "user:{id}",
        Scope::Room(_) => "room:{id}",
        Scope::Socket(_) => "socket:{id}",
        Scope::Everyone => "everyone",
    };
    format!("{scope}@{}", audience.namespace)
}
