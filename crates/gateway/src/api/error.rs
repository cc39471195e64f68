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
    UnknownTask,
    UnknownNode,
    TooLarge,
    /// More sockets here than one question may be put to.
    TooManySockets,
    /// Too many here have been asked and have not answered.
    Busy,
    /// Nothing was sent.
    Unavailable,
    /// The store cannot be asked, nor told.
    StoreAway,
    /// It was on the way when the bus stopped answering.
    Unsure,
    /// The other nodes cannot be reached.
    Apart,
    /// More orders wait than may.
    OrdersFull,
    /// As many watch as may, or the node is full.
    TailsFull,
    /// As much is revoked as may be kept.
    RevocationsFull,
    /// The store did not take a revocation, or did not say so.
    NotRevoked,
    /// The bus did not answer while sockets joined.
    Halfway,
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

    /// A body that could not be read: no JSON, or not what the call takes.
    pub(super) fn unread(error: &serde_json::Error) -> Self {
        let message = error.to_string();
        if error.is_data() { Self::invalid(message) } else { Self::Malformed(message) }
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

    pub(super) fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::UnknownSocket => (StatusCode::NOT_FOUND, "unknown_socket"),
            Self::UnknownTask => (StatusCode::NOT_FOUND, "unknown_task"),
            Self::UnknownNode => (StatusCode::NOT_FOUND, "unknown_node"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooManySockets => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_sockets"),
            Self::Busy | Self::OrdersFull | Self::TailsFull => {
                (StatusCode::TOO_MANY_REQUESTS, "busy")
            }
            Self::RevocationsFull => (StatusCode::TOO_MANY_REQUESTS, "full"),
            Self::Unavailable
            | Self::StoreAway
            | Self::Apart
            | Self::Halfway
            | Self::NotRevoked => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Unsure => (StatusCode::SERVICE_UNAVAILABLE, "unsure"),
            Self::Silent { .. } => (StatusCode::SERVICE_UNAVAILABLE, "no_answer"),
        }
    }

    pub(super) fn message(&self) -> String {
        let text = match self {
            Self::Malformed(message) | Self::Invalid { message, .. } => message,
            Self::UnknownSocket => "no socket of this id is in this namespace",
            Self::UnknownTask => "this user has no task of this identity",
            Self::UnknownNode => "no living node has this name",
            Self::TooLarge => {
                return format!("a payload has at most {} bytes", notice::PAYLOAD_BYTES_MAX);
            }
            Self::TooManySockets => {
                "more sockets than one emit may ask for an acknowledgement; nothing was sent"
            }
            Self::Busy => "too many acknowledgements are waited for; nothing was sent",
            Self::TailsFull => "as many watch this node as may, or it takes no more sockets",
            Self::OrdersFull => "too many orders wait for their turn; this one was not begun",
            Self::Unavailable => "the bus does not take notices now; nothing was sent",
            Self::StoreAway => "the store does not answer now; nothing was changed",
            Self::Apart => "the other nodes cannot be reached now",
            Self::Unsure => {
                "the bus stopped answering while this was on the way; it may have been sent"
            }
            Self::RevocationsFull => {
                "as many revocations are kept as may be; this one was not taken"
            }
            Self::NotRevoked => "the bus does not answer now; nothing is known to be revoked",
            Self::Halfway => "the bus does not answer now, so not all sockets have joined",
            Self::Silent { node } => {
                return format!("node {node} did not answer in time; it may have done it");
            }
        };
        text.to_owned()
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { hint, .. } => *hint,
            Self::UnknownSocket => Some("GET /v1/sockets lists ids as their clients know them"),
            Self::UnknownTask => Some("GET /v1/users/{id}/tasks lists those that are known"),
            Self::UnknownNode => Some("GET /v1/nodes lists those that are known"),
            Self::TooManySockets => Some("without ack it goes to any number"),
            Self::Apart => Some(
                "where a call lists, scope=local asks this node alone; where it orders, this node has done it",
            ),
            Self::Unsure | Self::Silent { .. } => Some("handing it in again may repeat it"),
            Self::RevocationsFull => {
                Some("{\"before\": …} alone revokes all tokens of before at once")
            }
            Self::NotRevoked => Some("revoke it again; twice does no harm"),
            Self::Halfway => Some("give the order again; who is in already stays in"),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let error = Content { code, message: self.message(), hint: self.hint() };
        let mut response = (status, Json(Body { error })).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
