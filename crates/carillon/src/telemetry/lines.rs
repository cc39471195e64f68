//! How log lines look: text for a person at a terminal, JSON for everything else.

use std::{fmt, io};

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::filter_fn,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, JsonFields, Writer},
        layer,
    },
    registry::LookupSpan,
};

use crate::events::AUDIT;

/// Lines for a person: those of the audit, which are found by their target, or all others, of which it would
/// say nothing.
pub(super) fn texts<S>(is_terminal: bool, of_audit: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = layer().with_writer(io::stderr).with_ansi(is_terminal).with_target(of_audit);
    layer.with_filter(filter_fn(move |line| is_line(line) && (line.target() == AUDIT) == of_audit))
}

/// Lines for programs, each with the trace that it belongs to, where there is one.
pub(super) fn objects<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let format = Format::default().json().flatten_event(true).with_current_span(false);
    let layer = layer().fmt_fields(JsonFields::new()).with_writer(io::stderr);
    layer.event_format(Traced(format.with_span_list(false))).with_filter(filter_fn(is_line))
}

/// Spans are the exporter's: writing them down here would cost as much as sending them. The question whether
/// a line would be written, `enabled!`, is neither span nor line.
fn is_line(metadata: &Metadata<'_>) -> bool {
    !metadata.is_span()
}

/// A line with `trace_id` and `span_id` at its end.
struct Traced(Format<Json>);

impl<S> FormatEvent<S, JsonFields> for Traced
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    JsonFields: for<'a> FormatFields<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some((trace, span)) = trace::current() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        match line.trim_end().strip_suffix('}') {
            Some(open) => {
                writeln!(writer, r#"{open},"trace_id":"{trace}","span_id":"{span}"}}"#)
            }
            None => writer.write_str(&line),
        }
    }
}
