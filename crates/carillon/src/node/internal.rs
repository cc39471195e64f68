//! The internal port's paths, and what stands in front of all of them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ingest::DeadLetterStore;

use crate::{
    events::ApiEvents,
    node::{
        admission::{Admission, Caller},
        answer::Problem,
        audit, body, dead,
        health::{self, Readiness, Watchdog},
        keyring::Keyring,
        log,
        metrics::{self, Numbers},
        page, routes,
        serving::Certified,
        tasks::{self, Door},
    },
    settings,
    telemetry::Levels,
};

/// How long a request may take, its body included: an emit may wait a minute for acknowledgements.
const REQUEST_WITHIN: Duration = Duration::from_secs(70);

/// What the internal port speaks for.
pub(super) struct Internal {
    pub(super) gateway: Option<Router>,
    /// Where other nodes come in, by a ticket instead of a key.
    pub(super) tunnels: Option<Router>,
    pub(super) door: Door,
    /// Where this node takes messages in.
    pub(super) dead: Option<DeadLetterStore>,
    pub(super) readiness: Readiness,
    pub(super) watchdog: Watchdog,
    pub(super) numbers: Numbers,
    pub(super) levels: Levels,
    pub(super) public_addr: Option<SocketAddr>,
    pub(super) demo: bool,
    pub(super) front: Front,
}

/// What stands in front of every call.
pub(super) struct Front {
    admission: Admission,
    events: ApiEvents,
}

impl Front {
    /// With it comes what keeps the keys up to date, if they are in files.
    pub(super) fn open(config: &settings::Internal, events: ApiEvents) -> (Self, Option<Keyring>) {
        let (keys, keyring) = Keyring::open(config, events.clone());
        (Self { admission: Admission::new(config, keys), events }, keyring)
    }
}

impl Internal {
    pub(super) fn router(self) -> Router {
        let public_addr = self.public_addr;
        let mut router = page::router(self.demo, public_addr)
            .route("/livez", get(health::live).with_state(self.watchdog))
            .route("/readyz", get(health::ready).with_state(self.readiness))
            .route("/metrics", get(metrics::show).with_state(self.numbers))
            .merge(log::router(self.levels))
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
            .layer(DefaultBodyLimit::disable())
            // One layer, and shared: each costs every call a box and a copy of its state.
            .layer(middleware::from_fn_with_state(Arc::new(self.front), pass))
            .merge(self.tunnels.unwrap_or_default())
    }
}

/// Lets in who may, with the whole body, for a while.
async fn pass(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let terms = routes::terms_of(&request);
    let is_certified = request.extensions().get::<Certified>().is_some();
    match front.admission.judge(terms.need, is_certified, request.headers()) {
        Ok(caller) => in_time(REQUEST_WITHIN, answer(terms.deed, caller, request, next)).await,
        Err(refusal) => {
            front.events.refused(&refusal);
            Problem::Refused(refusal).into_response()
        }
    }
}

async fn answer(
    deed: Option<&'static str>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() {
        // No call reads the body of one, and what nobody reads is not kept.
        return next.run(request).await;
    }
    match (body::whole(request).await, deed) {
        (Ok((request, body)), Some(deed)) => {
            audit::carry_out(deed, caller, &body, request, next).await
        }
        (Ok((request, _)), None) => next.run(request).await,
        (Err(problem), _) => problem.into_response(),
    }
}

async fn in_time(limit: Duration, answering: impl Future<Output = Response>) -> Response {
    let answer = tokio::time::timeout(limit, answering).await;
    answer.unwrap_or_else(|_elapsed| Problem::TooSlow.into_response())
}

fn not_found(request: &Request, public_addr: Option<SocketAddr>) -> Problem {
    let path = request.uri().path();
    let hint = match public_addr {
        Some(addr) if is_below(path, &["/socket.io", "/ws", "/events"]) => {
            format!("clients connect to the public port, {addr}")
        }
        _ => match routes::role_of(path) {
            Some(role) if role != "gateway" || public_addr.is_none() => {
                format!("this node's roles do not include {role}")
            }
            _ => "GET / says what is here".to_owned(),
        },
    };
    Problem::NotFound { hint }
}

/// Whether `path` is one of these, or below one.
fn is_below(path: &str, any: &[&str]) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
    any.iter().any(|start| path.strip_prefix(start).is_some_and(below))
}

#[cfg(test)]
mod tests {
    //! What a caller is told who is too slow.

    use http::{StatusCode, header};

    use super::*;

    #[tokio::test]
    async fn a_call_that_takes_too_long_is_told_so_as_json() {
        let answer = in_time(Duration::from_millis(1), std::future::pending()).await;
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
    }
}
