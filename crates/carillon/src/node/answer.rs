//! What the internal port says when it does not do what was asked: a closed list, as JSON.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::node::admission::Refusal;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    /// The body holds no messages; the text says where.
    BadBatch(String),
    /// The body is no JSON, or is cut off; the text says where.
    Malformed(String),
    /// It can be read, and does not mean anything; the text says what would.
    Invalid(String),
    /// The same, with what was meant perhaps.
    Misspelt {
        message: String,
        hint: String,
    },
    NoLetter(String),
    /// What it needs cannot be reached now.
    Away(String),
    Refused(Refusal),
    NotFound {
        hint: String,
    },
    WrongMethod,
    TooLarge(String),
    TooSlow,
    Stopping,
}

/// The body of every error: `{"error":{"code","message","hint"?}}`.
#[derive(Debug, Serialize)]
pub(super) struct ErrorBody {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Serialize)]
struct Envelope {
    error: ErrorBody,
}

impl ErrorBody {
    pub(super) fn new(code: &'static str, message: impl Into<String>, hint: &str) -> Self {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self { code, message: message.into(), hint }
    }
}

impl Problem {
    pub(super) fn message(&self) -> String {
        self.body().message
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadBatch(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Invalid(_) | Self::Misspelt { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused(Refusal::NoKey | Refusal::UnknownKey) => StatusCode::UNAUTHORIZED,
            Self::Refused(
                Refusal::OutOfScope { .. } | Refusal::NoCertificate | Refusal::Foreign,
            ) => StatusCode::FORBIDDEN,
            Self::NotFound { .. } | Self::NoLetter(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Away(_) | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(&self) -> ErrorBody {
        match self {
            Self::BadBatch(message) => ErrorBody::new(
                "malformed",
                message,
                "send one JSON message, an array of them, or one on each line (NDJSON)",
            ),
            Self::Malformed(message) => ErrorBody::new("malformed", message, ""),
            Self::Invalid(message) => ErrorBody::new("invalid", message, ""),
            Self::Misspelt { message, hint } => ErrorBody::new("invalid", message, hint),
            Self::NoLetter(id) => ErrorBody::new(
                "unknown_letter",
                format!("there is no dead letter {id}"),
                "GET /v1/dead lists those that there are",
            ),
            Self::Away(message) => ErrorBody::new("unavailable", message, "try again"),
            Self::Refused(refusal) => refused(refusal),
            Self::NotFound { hint } => ErrorBody::new("not_found", "there is nothing here", hint),
            Self::WrongMethod => {
                ErrorBody::new("method_not_allowed", "this path takes another method", "")
            }
            Self::TooLarge(message) => {
                ErrorBody::new("too_large", message, "send it in several calls")
            }
            Self::TooSlow => ErrorBody::new("timeout", "the request took too long", ""),
            Self::Stopping => ErrorBody::new(
                "stopping",
                "this node is stopping and takes no more messages",
                "send it again; another node or the next start takes it",
            ),
        }
    }
}

fn refused(refusal: &Refusal) -> ErrorBody {
    match refusal {
        Refusal::NoKey => ErrorBody::new(
            "unauthorized",
            "a key of internal.api_keys or internal.api_key_files is required",
            "send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`",
        ),
        Refusal::UnknownKey => ErrorBody::new(
            "unauthorized",
            "this key is none of internal.api_keys and internal.api_key_files",
            "if it is new, its file is read within seconds, and settings at the next start",
        ),
        Refusal::OutOfScope { key, scope } => ErrorBody::new(
            "out_of_scope",
            format!("this call needs the scope {scope}, which the key {key} does not have"),
            &format!("call with another key, or add {scope} to the scopes of this one"),
        ),
        Refusal::NoCertificate => ErrorBody::new(
            "no_certificate",
            "this port asks its callers for a certificate, and this one has shown none",
            "show one that a root of internal.tls.client_ca has signed; the commands take --cert and --key",
        ),
        Refusal::Foreign => ErrorBody::new(
            "forbidden",
            "without a key, a web page of another origin may not use this port",
            "open the page of this port by its address, or set internal.api_keys",
        ),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = json(self.status(), &Envelope { error: self.body() });
        match self {
            Self::Away(_) | Self::Stopping => retry_after(&mut response),
            Self::Refused(Refusal::NoKey | Refusal::UnknownKey) => {
                let scheme = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        response
    }
}

/// Asks the caller to come back in a second.
pub(super) fn retry_after(response: &mut Response) {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
}

/// Answers with a JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("our own structs of texts and numbers are JSON");
    typed(status, "application/json", body)
}

/// Answers with a body of a content type.
pub(super) fn typed(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<axum::body::Body>,
) -> Response {
    const NOSNIFF: (HeaderName, HeaderValue) =
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    (status, [content_type, no_store, NOSNIFF], body.into()).into_response()
}
