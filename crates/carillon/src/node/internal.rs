//! The internal port's paths, and what stands in front of all of them.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ingest::DeadLetterStore;
use prometheus::Registry;

use crate::{
    node::{
        admission::{self, Admission},
        answer::Problem,
        dead,
        health::{self, Readiness},
        page,
        tasks::{self, Door},
    },
    settings,
};

/// How long a request may take, its body included: an emit may wait a minute for acknowledgements.
const REQUEST_WITHIN: Duration = Duration::from_secs(70);

/// What the internal port speaks for.
pub(super) struct Internal {
    pub(super) gateway: Option<Router>,
    pub(super) door: Door,
    /// Where this node takes messages in.
    pub(super) dead: Option<DeadLetterStore>,
    pub(super) readiness: Readiness,
    pub(super) registry: Registry,
    pub(super) public_addr: Option<SocketAddr>,
    pub(super) demo: bool,
}

impl Internal {
    pub(super) fn router(self, config: &settings::Internal, addr: SocketAddr) -> Router {
        let public_addr = self.public_addr;
        let mut router = page::router(self.demo, public_addr)
            .route("/livez", get(health::live))
            .route("/readyz", get(health::ready).with_state(self.readiness))
            .route("/metrics", get(health::metrics).with_state(self.registry))
            .merge(self.gateway.unwrap_or_default());
        if self.door.is_there() {
            router = router.route("/v1/tasks", post(tasks::post).with_state(self.door));
        }
        if let Some(dead) = self.dead {
            router = router.merge(dead::router(dead));
        }
        router
            .fallback(async move |request: Request| not_found(&request, public_addr))
            .method_not_allowed_fallback(async || Problem::WrongMethod)
            .layer(middleware::from_fn_with_state(Admission::new(config, addr), admission::admit))
            .layer(middleware::from_fn_with_state(REQUEST_WITHIN, in_time))
    }
}

async fn in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => Problem::TooSlow.into_response(),
    }
}

fn not_found(request: &Request, public_addr: Option<SocketAddr>) -> Problem {
    let path = request.uri().path();
    let is_for_clients = ["/socket.io", "/ws", "/events"].iter().any(|it| path.starts_with(it));
    let hint = match public_addr {
        Some(addr) if is_for_clients => format!("clients connect to the public port, {addr}"),
        _ if path == "/v1/tasks" || path.starts_with("/v1/dead") => {
            "this node's roles do not include ingest".to_owned()
        }
        _ => "GET / says what is here".to_owned(),
    };
    Problem::NotFound { hint }
}
