//! What a node says to the one who asked: a word of its own first, then what its members answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use socketioxide_core::Value;
use thiserror::Error;

/// One message from an asked node, as JSON within Socket.IO's acknowledgement.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// How many sockets it has for the audience. The first word of every node that hears a question.
    Asked { node: String, sockets: usize, refused: Option<Refused> },
    /// What one socket answered.
    Answer { socket: String, data: Box<RawValue> },
}

/// Why a node asks none of its sockets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refused {
    /// The audience has more members there than one question may be put to.
    TooManySockets,
    /// Too many sockets there have been asked and have not answered yet.
    Busy,
}

/// So many sockets of a node gave no answer, and will give none.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Error, PartialEq, Serialize)]
#[error("{sockets} sockets did not answer")]
pub(crate) struct Missed {
    pub(crate) sockets: usize,
}

impl Report {
    pub(crate) fn written(&self) -> Value {
        let json = serde_json::to_string(self).expect("names, numbers and checked JSON are JSON");
        Value::Str(json.into(), None)
    }

    pub(crate) fn read(value: &Value) -> Option<Self> {
        serde_json::from_str(value.as_str()?.as_str()).ok()
    }
}

impl fmt::Debug for Report {
    // What clients say is theirs; logs get its size only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked { node, sockets, .. } => write!(f, "Asked({node}, {sockets})"),
            Self::Answer { data, .. } => write!(f, "Answer({} bytes)", data.get().len()),
        }
    }
}
