//! The internal port's paths, and what stands in front of all of them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

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
        admission::Admission,
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
            // One layer for both, and shared: each costs every call a box and a copy of its state.
            .layer(middleware::from_fn_with_state(Arc::new(Admission::new(config, addr)), admit))
    }
}

/// Lets in who may, for a while.
async fn admit(State(admission): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    if let Err(problem) = admission.judge(request.uri().path(), request.headers()) {
        return problem.into_response();
    }
    match tokio::time::timeout(REQUEST_WITHIN, next.run(request)).await {
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
