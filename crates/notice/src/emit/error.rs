//! Why an emit is not taken: the field, what was got, what would do.

use thiserror::Error;

use crate::{event::EventError, names::NameError};

/// Nothing was sent, and the same body will never be taken.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum EmitError {
    /// It is no JSON.
    #[error("{cause}")]
    Broken { cause: String },
    #[error("got deeper nesting than {depth_max} levels, expected at most that")]
    TooDeep { depth_max: usize },
    #[error("a payload of {len_bytes} bytes, and {len_bytes_max} are allowed")]
    TooLarge { len_bytes: usize, len_bytes_max: usize },
    /// An object holds what it may not.
    #[error("{field}: {cause}")]
    Fields { field: &'static str, cause: String },
    #[error("{field}: got {got}, expected {expected}")]
    Field { field: &'static str, got: String, expected: &'static str },
    #[error("{field}: {cause}")]
    Name { field: &'static str, cause: NameError },
    #[error("{field}: got {len} names, expected {len_min} to {len_max}")]
    Names { field: &'static str, len: usize, len_min: usize, len_max: usize },
    #[error("{0}")]
    Event(#[from] EventError),
    #[error("event is missing; only one socket may do without")]
    NoEvent,
    #[error("{0} and {1} exclude each other")]
    Both(&'static str, &'static str),
    #[error("binary: {cause}")]
    Binary { cause: String },
    /// It takes a caller who waits.
    #[error("{field}: only POST /v1/emit takes it")]
    Unsupported { field: &'static str },
}

impl EmitError {
    pub(super) fn field(
        field: &'static str,
        got: impl Into<String>,
        expected: &'static str,
    ) -> Self {
        Self::Field { field, got: got.into(), expected }
    }

    /// What would do, where the text alone does not say so.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Names { len: 0, .. } => Some("without `to` it goes to everyone in the namespace"),
            Self::Names { .. } => {
                Some("one room for all of them, joined by POST /v1/sockets/join, has no limit")
            }
            Self::Binary { .. } => Some(
                "bytes are {\"$binary\":\"<base64>\"}, with padding (RFC 4648, section 4), and nothing \
                 beside it",
            ),
            Self::Field { field: "ack.timeout", .. } => Some("like 5s, 500ms or 1m"),
            Self::Field { field: "to", .. } => {
                Some("without `to` it goes to everyone in the namespace")
            }
            _ => None,
        }
    }
}
