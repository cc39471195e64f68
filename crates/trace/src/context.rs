//! Trace contexts as the library has them, from the numbers that travel with a notice, and back.

use std::str::FromStr as _;

use notice::TraceParent;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};

/// The target of every span here, so that the log and the exporter know them apart from all else.
pub const SPANS: &str = "carillon::spans";

/// A span of another process, or one that has ended.
pub(crate) fn remote(trace: u128, span: u64, state: Option<&notice::TraceState>) -> SpanContext {
    let (trace, span) = (TraceId::from(trace), SpanId::from(span));
    // What the library cannot read is none.
    let state = state.and_then(|state| TraceState::from_str(state.as_str()).ok());
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state.unwrap_or_default())
}

/// Under `parent`, or as the first of a new trace.
pub(crate) fn under(parent: Option<SpanContext>) -> Context {
    let context = Context::new();
    parent.map_or(context.clone(), |parent| context.with_remote_span_context(parent))
}

pub(crate) fn numbers(context: &SpanContext) -> (u128, u64) {
    let trace = u128::from_be_bytes(context.trace_id().to_bytes());
    (trace, u64::from_be_bytes(context.span_id().to_bytes()))
}

pub(crate) fn of_parent(parent: &TraceParent) -> SpanContext {
    remote(parent.trace, parent.span, parent.state.as_ref())
}

/// The trace and the span in which the caller is, as they are written in a log.
pub fn current() -> Option<(String, String)> {
    let context = Context::current();
    let span = context.span();
    let here = span.span_context();
    here.is_valid().then(|| (here.trace_id().to_string(), here.span_id().to_string()))
}
