//! Whether the node lives, whether it wants traffic, and what it counts.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{extract::State, response::Response};
use gateway::Gateway;
use http::StatusCode;
use prometheus::{Encoder as _, Registry, TextEncoder};
use serde::Serialize;

use crate::node::answer;

/// What Prometheus asks for, to the letter.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether this node wants traffic. Clones share the answer.
#[derive(Clone, Debug)]
pub(super) struct Readiness {
    is_granted: Arc<AtomicBool>,
    /// May go by itself, when somebody wishes it to.
    gateway: Option<Gateway>,
    /// What is answered where it does not.
    status: StatusCode,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
}

impl Readiness {
    /// Not ready yet.
    pub(super) fn new(gateway: Option<Gateway>, status: StatusCode) -> Self {
        Self { is_granted: Arc::default(), gateway, status }
    }

    pub(super) fn grant(&self) {
        self.is_granted.store(true, Ordering::Release);
    }

    fn is_so(&self) -> bool {
        let is_leaving = self.gateway.as_ref().is_some_and(Gateway::is_leaving);
        self.is_granted.load(Ordering::Acquire) && !is_leaving
    }

    pub(super) fn withdraw(&self) {
        self.is_granted.store(false, Ordering::Release);
    }
}

pub(super) async fn live() -> Response {
    answer::typed(StatusCode::OK, "text/plain; charset=utf-8", "alive\n")
}

pub(super) async fn ready(State(readiness): State<Readiness>) -> Response {
    let ready = readiness.is_so();
    let status = if ready { StatusCode::OK } else { readiness.status };
    answer::json(status, &Ready { ready })
}

pub(super) async fn metrics(State(registry): State<Registry>) -> Response {
    let mut text = Vec::new();
    let encoded = TextEncoder::new().encode(&registry.gather(), &mut text);
    encoded.expect("a registry holds metrics of the kinds it let in, and a Vec takes all");
    answer::typed(StatusCode::OK, METRICS_TYPE, text)
}
