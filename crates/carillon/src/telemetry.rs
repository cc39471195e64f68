//! Log lines: text for a person at a terminal, JSON for everything else. They go to standard error.

use std::io;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, Telemetry};

/// Starts logging for the whole process. Fails if it was started before.
pub(crate) fn start(telemetry: &Telemetry, is_terminal: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&telemetry.log).context("read telemetry.log")?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let text = match telemetry.log_format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let started = if text {
        builder.with_ansi(is_terminal).with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    started.map_err(|error| anyhow::anyhow!(error)).context("start logging")
}
