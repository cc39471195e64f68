//! `/metrics`: what the node counts, in Prometheus' text form, or as `OpenMetrics` for those who ask for it.

use axum::{extract::State, response::Response};
use gateway::{Exemplars, Gateway};
use http::{HeaderMap, StatusCode, header};
use prometheus::{Registry, TextEncoder};

use crate::node::{answer, openmetrics, process::Process};

/// What Prometheus asks for, to the letter.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text";

/// What there is to tell.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    registry: Registry,
    process: Process,
    /// Of a node with sockets.
    exemplars: Option<Exemplars>,
}

impl Numbers {
    pub(super) fn new(
        registry: Registry,
        gateway: Option<&Gateway>,
    ) -> Result<Self, prometheus::Error> {
        let (process, exemplars) = (Process::new(&registry)?, gateway.map(Gateway::exemplars));
        Ok(Self { registry, process, exemplars })
    }
}

pub(super) async fn show(State(numbers): State<Numbers>, headers: HeaderMap) -> Response {
    let Numbers { registry, process, exemplars } = numbers;
    process.look();
    let text = TextEncoder::new().encode_to_string(&registry.gather());
    let text = text.expect("a registry holds metrics of the kinds it let in");
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if !accepts.flat_map(|value| value.split(',')).any(|form| form.trim().starts_with(OPENMETRICS))
    {
        return answer::typed(StatusCode::OK, TEXT, text);
    }
    let exemplars = exemplars.map(|kept| kept.all()).unwrap_or_default();
    let text = openmetrics::of_text(&text, &exemplars);
    answer::typed(StatusCode::OK, openmetrics::TYPE, text)
}
