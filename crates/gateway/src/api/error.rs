//! What an API call is told when it fails: `{"error":{"code","message","hint"?}}`.

use adapter::SignalError;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use notice::EmitError;
use serde::Serialize;

use crate::shared::Shared;

/// A closed list of failures.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The body is no JSON.
    Malformed(String),
    /// The body is JSON but not what the call takes.
    Invalid {
        message: String,
        hint: Option<&'static str>,
    },
    UnknownSocket,
    TooLarge,
    /// More sockets here than one question may be put to.
    TooManySockets,
    /// Too many here have been asked and have not answered.
    Busy,
    /// Nothing was sent.
    Unavailable,
    /// It was on the way when the bus stopped answering.
    Unsure,
    /// The other nodes cannot be reached.
    Apart,
    /// The node of a socket did not answer in time.
    Silent {
        node: String,
    },
}

#[derive(Serialize)]
struct Body {
    error: Content,
}

#[derive(Serialize)]
struct Content {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), hint: None }
    }

    /// What a failure to ask the other nodes comes down to.
    pub(super) fn nodes(shared: &Shared, error: &SignalError) -> Self {
        shared.events.apart(error);
        Self::Apart
    }
}

impl From<EmitError> for ApiError {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Broken { cause } => Self::Malformed(cause),
            EmitError::TooLarge { .. } => Self::TooLarge,
            error => Self::Invalid { message: error.to_string(), hint: error.hint() },
        }
    }
}

impl ApiError {
    /// Whether the caller has to say it differently.
    pub(super) fn is_callers(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Invalid { .. } | Self::TooLarge)
    }

    pub(super) fn message(self) -> String {
        self.parts().2
    }

    fn parts(self) -> (StatusCode, &'static str, String, Option<&'static str>) {
        match self {
            Self::Malformed(message) => (StatusCode::BAD_REQUEST, "malformed", message, None),
            Self::Invalid { message, hint } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid", message, hint)
            }
            Self::UnknownSocket => (
                StatusCode::NOT_FOUND,
                "unknown_socket",
                "no socket of this id is in this namespace".into(),
                Some("GET /v1/sockets lists ids as their clients know them"),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("a payload has at most {} bytes", notice::PAYLOAD_BYTES_MAX),
                None,
            ),
            Self::TooManySockets => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "too_many_sockets",
                "more sockets than one emit may ask for an acknowledgement; nothing was sent"
                    .into(),
                Some("without ack it goes to any number"),
            ),
            Self::Busy => (
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                "too many acknowledgements are waited for; nothing was sent".into(),
                None,
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the bus does not take notices now; nothing was sent".into(),
                None,
            ),
            Self::Unsure => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unsure",
                "the bus stopped answering while this was on the way; it may have been sent".into(),
                Some("handing it in again may repeat it"),
            ),
            Self::Apart => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the other nodes cannot be reached now; what concerns this one was done".into(),
                Some("scope=local asks this node alone where a call lists"),
            ),
            Self::Silent { node } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "no_answer",
                format!(
                    "node {node}, where the socket is, did not answer in time; it may have done it"
                ),
                Some("handing it in again may repeat it"),
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, message, hint) = self.parts();
        let mut response =
            (status, Json(Body { error: Content { code, message, hint } })).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
