//! Whether the node lives, whether it wants traffic, and what it counts.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{extract::State, response::Response};
use http::StatusCode;
use prometheus::{Encoder as _, Registry, TextEncoder};
use serde::Serialize;

use crate::node::answer;

/// What Prometheus asks for, to the letter.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether this node wants traffic. Clones share the answer.
#[derive(Clone, Debug)]
pub(super) struct Readiness(Arc<AtomicBool>);

#[derive(Serialize)]
struct Ready {
    ready: bool,
}

impl Readiness {
    /// Not ready yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    pub(super) fn grant(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn withdraw(&self) {
        self.0.store(false, Ordering::Release);
    }
}

pub(super) async fn live() -> Response {
    answer::typed(StatusCode::OK, "text/plain; charset=utf-8", "alive\n")
}

pub(super) async fn ready(State(Readiness(ready)): State<Readiness>) -> Response {
    let ready = ready.load(Ordering::Acquire);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer::json(status, &Ready { ready })
}

pub(super) async fn metrics(State(registry): State<Registry>) -> Response {
    let mut text = Vec::new();
    let encoded = TextEncoder::new().encode(&registry.gather(), &mut text);
    encoded.expect("a registry holds metrics of the kinds it let in, and a Vec takes all");
    answer::typed(StatusCode::OK, METRICS_TYPE, text)
}
