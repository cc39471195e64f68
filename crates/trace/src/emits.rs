//! The span of an emit that does not go over the bus: to the sockets of one node, to one socket wherever it sits,
//! or as a question. It ends when the caller is answered.

use notice::{Audience, Trace, TraceParent};
use tracing::{Span, field::Empty, info_span};

use crate::{
    context::SPANS,
    spans::{begun, template, whole},
};

/// How far an emit goes: the closed set of `carillon.reach`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// The sockets of this node.
    Node,
    Socket,
    /// All who are asked for an acknowledgement.
    Question,
}

/// One emit, until its caller is answered.
#[derive(Debug)]
pub struct Emit {
    span: Span,
    trace: Trace,
}

impl Emit {
    /// `None` if nobody keeps traces.
    pub(crate) fn begin(
        reach: Reach,
        audience: &Audience,
        parent: Option<TraceParent>,
    ) -> Option<Self> {
        let span = info_span!(
            target: SPANS,
            parent: None,
            "emit",
            otel.kind = "producer",
            otel.status_code = Empty,
            messaging.system = "carillon",
            messaging.operation.name = "emit",
            "messaging.operation.type" = "send",
            messaging.destination.template = template(audience),
            carillon.reach = reach.label(),
            carillon.outcome = Empty,
            carillon.nodes = Empty,
            carillon.sockets = Empty,
            carillon.missing = Empty,
        );
        let trace = begun(&span, parent)?;
        Some(Self { span, trace })
    }

    /// What the notice takes along, to the node with the sockets.
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// So many sockets took it.
    pub fn sent(self, sockets: usize) {
        self.span.record("carillon.outcome", "sent");
        self.span.record("carillon.sockets", whole(sockets));
    }

    /// So many nodes were heard, and so many sockets; of the missing, nothing.
    pub fn answered(self, nodes: usize, sockets: usize, missing: usize) {
        self.span.record("carillon.outcome", "answered");
        self.span.record("carillon.nodes", whole(nodes));
        self.span.record("carillon.sockets", whole(sockets));
        self.span.record("carillon.missing", whole(missing));
    }

    pub fn failed(self, outcome: &'static str) {
        self.span.record("otel.status_code", "ERROR");
        self.span.record("carillon.outcome", outcome);
    }
}

impl Reach {
    fn label(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Socket => "socket",
            Self::Question => "question",
        }
    }
}
