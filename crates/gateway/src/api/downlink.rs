//! `POST /v1/downlink`: an event for `/` or one of its rooms, in the envelope that older backends send,
//! answered in the same.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json,
    body::Bytes,
    extract::{Extension, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use notice::Emit;
use serde_json::json;

use super::{
    error::ApiError,
    publication::{Parent, publish},
};
use crate::{events::Downlink, shared::Shared};

/// Why a call's body could not be read. The server leaves it among the request's extensions, with an empty
/// body: those who call this understand no other answer than the envelope.
#[derive(Clone, Debug)]
pub struct Unread(pub String);

pub(super) async fn downlink(
    State(shared): State<Arc<Shared>>,
    unread: Option<Extension<Unread>>,
    parent: Parent,
    body: Bytes,
) -> Response {
    let body = unread.map_or(Ok(body), |Extension(Unread(cause))| Err(ApiError::Malformed(cause)));
    let sent = send(&shared, body, parent).await;
    let outcome = match &sent {
        Ok(()) => Downlink::Sent,
        Err(error) if error.is_callers() => Downlink::Malformed,
        Err(_) => Downlink::Away,
    };
    let cause = sent.err().map(|error| error.message());
    shared.events.downlink(outcome, cause.as_deref());
    let cause = cause.filter(|_| !shared.config.downlink_always_ok);
    answer(cause.map(|cause| (outcome, cause)))
}

async fn send(
    shared: &Shared,
    body: Result<Bytes, ApiError>,
    parent: Parent,
) -> Result<(), ApiError> {
    let draft = Emit::read_downlink(&body?, SystemTime::now())?;
    publish(shared, draft, parent).await.map(drop)
}

fn answer(failed: Option<(Downlink, String)>) -> Response {
    let (status, code, message) = match failed {
        None => (StatusCode::OK, "0000", "ok".to_owned()),
        Some((Downlink::Malformed, cause)) => (StatusCode::BAD_REQUEST, "4000", cause),
        Some((_, cause)) => (StatusCode::SERVICE_UNAVAILABLE, "5030", cause),
    };
    let envelope = json!({ "ROOT": { "BODY": { "RETURN_CODE": code, "RETURN_MSG": message } } });
    let mut response = (status, Json(envelope)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
