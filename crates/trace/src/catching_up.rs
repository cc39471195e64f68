//! The span of a client's catching up: one reading of what is kept of an audience, linked to the notices in it that
//! are recorded, as each of those is of a trace of its own.

use notice::{Audience, Notice};
use tracing::{Span, field::Empty, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{
    context::{SPANS, remote},
    spans::{LINKS_MAX, started, template, whole},
};

#[derive(Debug)]
pub struct CatchingUp(Span);

impl CatchingUp {
    /// `None` if nobody keeps traces.
    pub(crate) fn begin(audience: &Audience) -> Option<Self> {
        let span = info_span!(
            target: SPANS,
            parent: None,
            "catch_up",
            otel.kind = "client",
            otel.status_code = Empty,
            messaging.system = "carillon",
            messaging.operation.name = "catch_up",
            "messaging.operation.type" = "receive",
            messaging.destination.template = template(audience),
            "messaging.batch.message_count" = Empty,
            carillon.outcome = Empty,
            carillon.gap = Empty,
        );
        started(&span, None)?;
        Some(Self(span))
    }

    /// It was read for this client, or for another at the same time (`outcome`).
    pub fn ended<'a>(
        self,
        outcome: &'static str,
        notices: impl Iterator<Item = &'a Notice>,
        has_gap: bool,
    ) {
        let mut count = 0;
        for notice in notices {
            count += 1;
            if let Some(trace) = notice.draft.trace.as_ref().filter(|_| count <= LINKS_MAX) {
                self.0.add_link(remote(trace.id, trace.publish, trace.state.as_ref()));
            }
        }
        self.0.record("carillon.outcome", outcome);
        self.0.record("messaging.batch.message_count", whole(count));
        self.0.record("carillon.gap", has_gap);
    }

    pub fn failed(self) {
        self.0.record("otel.status_code", "ERROR");
        self.0.record("carillon.outcome", "failed");
    }
}
