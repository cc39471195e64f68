//! What the node tells its operator: log lines and traces.

use std::time::Duration;

use http::Uri;
use trace::Sampling;

use crate::settings::{amount, levels, reader::Reader};

/// What stands behind an endpoint that names no path.
const TRACES_PATH: &str = "/v1/traces";

/// What the node tells its operator.
#[derive(Clone, Debug)]
pub struct Telemetry {
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    /// Absent: no trace is recorded.
    pub(crate) traces: Option<Traces>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    Text,
    Json,
}

/// Which traces are recorded, and where they go.
#[derive(Clone, Debug)]
pub(crate) struct Traces {
    pub(crate) endpoint: String,
    pub(crate) service: String,
    pub(crate) sampling: Sampling,
    /// Spans that may wait to be sent.
    pub(crate) queue_len: usize,
    /// How long one waits at most for others to be sent with.
    pub(crate) delay: Duration,
    /// How long the collector may take.
    pub(crate) timeout: Duration,
}

impl Telemetry {
    pub(crate) fn sampling(&self) -> Sampling {
        self.traces.as_ref().map_or(Sampling::OFF, |traces| traces.sampling)
    }
}

pub(super) fn read(read: &mut Reader) -> Telemetry {
    let ratio = read.one("telemetry.trace_ratio", ratio);
    let heeds_parent = read.one("telemetry.trace_parent", amount::flag);
    let service = read.one("telemetry.service_name", name);
    let queue_len = read.one("telemetry.trace_queue", amount::count);
    let delay = read.one("telemetry.trace_delay", amount::duration);
    let timeout = read.one("telemetry.trace_timeout", amount::duration);
    let sampling = Sampling::new(ratio, heeds_parent);
    let endpoint = read.maybe("telemetry.otlp_endpoint", endpoint);
    let traces =
        endpoint.map(|endpoint| Traces { endpoint, service, sampling, queue_len, delay, timeout });
    Telemetry {
        log: read.one("telemetry.log", log),
        log_format: read.one("telemetry.log_format", log_format),
        traces,
    }
}

fn log(text: &str) -> Result<String, String> {
    if let Some((problem, hint)) = levels::misspelt(text) {
        return Err(format!("{problem} ({hint})"));
    }
    let filter = tracing_subscriber::EnvFilter::builder().parse(text);
    filter.map(|_| text.to_owned()).map_err(|error| format!("is no filter: {error}"))
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is none of auto, text, json".to_owned()),
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let uri: Uri = text.parse().map_err(|_| "is no address".to_owned())?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("does not begin with http:// or https://".to_owned());
    }
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err(
            "names no host, or a user, whose place is OTEL_EXPORTER_OTLP_HEADERS".to_owned()
        );
    }
    match uri.path() {
        "" | "/" => Ok(format!("{}{TRACES_PATH}", text.trim_end_matches('/'))),
        _ => Ok(text.to_owned()),
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().map_err(|_| "is no number".to_owned())?;
    if (0.0..=1.0).contains(&ratio) { Ok(ratio) } else { Err("is not from 0 to 1".to_owned()) }
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}
