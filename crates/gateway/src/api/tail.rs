//! `GET /v1/tail`: what one user or room is sent, as an event stream, for an operator who watches.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use notice::{Audience, NameError, Namespace, Room, Scope, UserId};
use serde::Deserialize;

use super::{address::InQuery, error::ApiError};
use crate::{
    shared::Shared,
    tail::{self, NotWatched},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    namespace: Option<String>,
    user: Option<String>,
    room: Option<String>,
}

/// What is known of a user comes first, with `"replayed":true`; then each notice as it is delivered.
pub(super) async fn tail(
    State(shared): State<Arc<Shared>>,
    InQuery(asked): InQuery<Asked>,
) -> Result<Response, ApiError> {
    let audience = audience(&shared, &asked)?;
    let body = tail::open(&shared, &audience).await.map_err(|why| match why {
        NotWatched::Full => ApiError::TailsFull,
        NotWatched::Away | NotWatched::Gone => ApiError::StoreAway,
    })?;
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(body)).into_response())
}

fn audience(shared: &Shared, asked: &Asked) -> Result<Audience, ApiError> {
    let named = |error: NameError| ApiError::invalid(error.to_string());
    let scope = match (&asked.user, &asked.room) {
        (Some(user), None) => Scope::User(UserId::new(user).map_err(named)?),
        (None, Some(room)) => Scope::Room(Room::new(room).map_err(named)?),
        _ => return Err(ApiError::invalid("query: name either a user or a room")),
    };
    let namespace = asked.namespace.as_deref().unwrap_or(Namespace::NOTICE);
    let namespace = Namespace::new(namespace).map_err(named)?;
    if !shared.config.namespaces.contains(&namespace) {
        return Err(ApiError::invalid(format!("query: this node serves no namespace {namespace}")));
    }
    Ok(Audience { namespace, scope })
}
