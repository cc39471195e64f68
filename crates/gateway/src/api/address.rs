//! What a call says in its address: the names in its path, and its query.

use std::error::Error as _;

use axum::{
    extract::{FromRequestParts, Path, Query, rejection::QueryRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// The names in the path.
pub(super) struct InPath<T>(pub(super) T);

/// The query.
pub(super) struct InQuery<T>(pub(super) T);

impl<T, S> FromRequestParts<S> for InPath<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // The names are texts, so nothing else can be wrong with them.
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(names)| Self(names))
            .map_err(|_| ApiError::invalid("path: a name in it is no UTF-8"))
    }
}

impl<T, S> FromRequestParts<S> for InQuery<T>
where
    T: DeserializeOwned,
    S: Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(asked)| Self(asked)).map_err(|rejection| unreadable(&rejection))
    }
}

/// Says what is wrong in the words of who read it, without those that axum puts before.
fn unreadable(rejection: &QueryRejection) -> ApiError {
    let text = rejection.source().map_or_else(|| rejection.body_text(), ToString::to_string);
    ApiError::invalid(format!("query: {text}"))
}
