//! The HTTP API for backends: `/v1/emit`, `/v1/downlink`, `/v1/users/{id}/tasks`, `/v1/sockets`, `/v1/rooms`,
//! `/v1/nodes`, `/v1/revocations`, `/v1/tail`.
//!
//! Authentication, body limits and time limits are the server's, in `carillon`.

mod address;
mod asked;
mod bounds;
mod downlink;
mod emit;
mod error;
mod leaving;
mod orders;
mod overview;
mod publication;
mod revocations;
mod sockets;
mod tail;
mod tasks;

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete, get, post},
};

pub use self::downlink::Unread;
use crate::shared::Shared;

/// Where calls are answered in an envelope of their own, whatever is wrong with them.
pub const DOWNLINK_PATH: &str = "/v1/downlink";

pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/emit", post(emit::emit))
        .route(DOWNLINK_PATH, post(downlink::downlink))
        .route("/v1/sockets", get(sockets::list))
        .route("/v1/sockets/join", post(orders::join))
        .route("/v1/sockets/leave", post(orders::leave))
        .route("/v1/sockets/disconnect", post(orders::disconnect))
        .route("/v1/revocations", get(revocations::list))
        .route("/v1/revocations", post(revocations::revoke))
        .route("/v1/rooms", get(overview::rooms))
        .route("/v1/nodes", get(overview::nodes))
        .route("/v1/nodes/rebalance", post(leaving::rebalance))
        .route("/v1/nodes/{id}/drain", post(leaving::drain))
        .route("/v1/nodes/{id}/rebalance", post(leaving::rebalance_one))
        .route("/v1/tail", get(tail::tail))
        .route("/v1/users/{id}/tasks", get(tasks::list))
        .route("/v1/users/{id}/tasks/{identity}", delete(tasks::forget))
        .with_state(Arc::clone(shared))
}
