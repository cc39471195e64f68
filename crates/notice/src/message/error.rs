//! Why a worker message cannot be used: the field, what was got, and what would do.

use thiserror::Error;

use crate::{emit::EmitError, event::EventError};

/// The message will never be usable as it stands; handing it in again does not help.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum MessageError {
    #[error("read message: got {len_bytes} bytes, expected at most {len_bytes_max}")]
    TooLarge { len_bytes: usize, len_bytes_max: usize },
    #[error("read message: got bytes that are not UTF-8 at byte {at_byte}, expected UTF-8")]
    NotUtf8 { at_byte: usize },
    #[error("read message: got broken JSON ({cause}), expected one JSON object")]
    BrokenJson { cause: String },
    #[error("read message: got {got}, expected one JSON object")]
    NotObject { got: &'static str },
    #[error("read message: got deeper nesting than {depth_max} levels, expected at most that")]
    TooDeep { depth_max: usize },
    #[error("read emit: {0}")]
    Emit(#[from] EmitError),
    #[error("read identity: got {got}, expected a string of 1 to 512 bytes, the task's id")]
    Identity { got: String },
    #[error(
        "read userIdentity: got {got}, expected a string of 1 to 512 bytes or a decimal number, \
         the user's id"
    )]
    User { got: String },
    #[error("read run: got {got}, expected a string of up to 512 bytes or a decimal number")]
    Run { got: String },
    #[error("read event: got {got}, expected a string like \"file.progress\"")]
    EventType { got: &'static str },
    #[error("read event: {0}; expected another, like \"file.progress\"")]
    Event(#[from] EventError),
    #[error(
        "choose an event: got no event and as status {status}, expected an event, action \"cancel\", \
         an errorCode, or as status -1, 100, 1000 or one named by ingest.status"
    )]
    NoEvent { status: String },
}

impl MessageError {
    /// Every reason there is, for the labels of a counter.
    pub const REASONS: [&str; 12] = [
        "too_large",
        "utf8",
        "json",
        "not_object",
        "too_deep",
        "emit",
        "emit_unsupported",
        "identity",
        "user",
        "run",
        "event",
        "no_event",
    ];

    /// One word of a closed list, without anything from the message.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::Emit(EmitError::TooLarge { .. }) => "too_large",
            Self::NotUtf8 { .. } => "utf8",
            Self::BrokenJson { .. } => "json",
            Self::NotObject { .. } => "not_object",
            Self::TooDeep { .. } => "too_deep",
            Self::Emit(EmitError::Unsupported { .. }) => "emit_unsupported",
            Self::Emit(_) => "emit",
            Self::Identity { .. } => "identity",
            Self::User { .. } => "user",
            Self::Run { .. } => "run",
            Self::EventType { .. } | Self::Event(_) => "event",
            Self::NoEvent { .. } => "no_event",
        }
    }
}
