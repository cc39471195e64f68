//! Log lines: text for a person at a terminal, JSON for everything else. They go to standard error.

use std::io;

use anyhow::Context as _;
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt as _, registry,
    registry::LookupSpan, util::SubscriberInitExt as _,
};

use crate::{
    events::AUDIT,
    settings::{LogFormat, Telemetry},
};

/// Starts logging for the whole process. Fails if it was started before.
pub(crate) fn start(telemetry: &Telemetry, is_terminal: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&telemetry.log).context("read telemetry.log")?;
    let text = match telemetry.log_format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = registry().with(filter);
    let started = if text {
        lines.with(texts(is_terminal, false)).with(texts(is_terminal, true)).try_init()
    } else {
        lines.with(fmt::layer().with_writer(io::stderr).json().flatten_event(true)).try_init()
    };
    started.context("start logging")
}

/// Lines for a person: those of the audit, which are found by their target, or all others, of which it would
/// say nothing.
fn texts<S>(is_terminal: bool, of_audit: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = fmt::layer().with_writer(io::stderr).with_ansi(is_terminal).with_target(of_audit);
    layer.with_filter(filter_fn(move |line| (line.target() == AUDIT) == of_audit))
}
