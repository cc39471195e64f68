//! `GET /v1/users/{id}/tasks` and `DELETE /v1/users/{id}/tasks/{identity}`.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use notice::UserId;

use super::{address::InPath, error::ApiError};
use crate::{shared::Shared, socket::listed};

fn user(id: &str) -> Result<UserId, ApiError> {
    UserId::new(id).map_err(|error| ApiError::invalid(error.to_string()))
}

/// The newest state of each task, live and lately finished.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    InPath(id): InPath<String>,
) -> Result<Response, ApiError> {
    let tasks = shared.store.tasks(&user(&id)?).await.map_err(|error| {
        shared.events.store_away(&error);
        ApiError::StoreAway
    })?;
    let json = format!("{{\"tasks\":{}}}", listed(&tasks));
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// Forgets a stuck task in all its runs.
pub(super) async fn forget(
    State(shared): State<Arc<Shared>>,
    InPath((id, identity)): InPath<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let known = shared.store.forget(&user(&id)?, &identity).await.map_err(|error| {
        shared.events.store_away(&error);
        ApiError::StoreAway
    })?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::UnknownTask) }
}
