//! Event names, and those that nobody but the library itself may use.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// The longest event name, in bytes.
const EVENT_BYTES_MAX: usize = 256;

/// Names that Socket.IO's clients and Node's emitters give a meaning of their own (Socket.IO docs,
/// "Emit cheatsheet", reserved events), and ours.
const RESERVED: [&str; 13] = [
    "connect",
    "connect_error",
    "connect_timeout",
    "connecting",
    "disconnect",
    "departing",
    "disconnecting",
    "error",
    "ping",
    "pong",
    "newListener",
    "removeListener",
    "reconnect",
];

/// The name of an event that may be sent to a client: `file.progress`.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct EventName(Arc<str>);

/// Why a text cannot be the name of an event.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum EventError {
    #[error("event is empty")]
    Empty,
    #[error("event is {len_bytes} bytes long, and {len_bytes_max} are allowed")]
    TooLong { len_bytes: usize, len_bytes_max: usize },
    #[error("event {name:?} is reserved")]
    Reserved { name: String },
}

impl EventName {
    /// Takes 1 to 256 bytes that are not reserved: `connect`, `disconnect`, `error`, all that begins
    /// with `reconnect`, and the like.
    pub fn new(name: &str) -> Result<Self, EventError> {
        if name.is_empty() {
            return Err(EventError::Empty);
        }
        if name.len() > EVENT_BYTES_MAX {
            let (len_bytes, len_bytes_max) = (name.len(), EVENT_BYTES_MAX);
            return Err(EventError::TooLong { len_bytes, len_bytes_max });
        }
        if RESERVED.contains(&name) || name.starts_with("reconnect") {
            return Err(EventError::Reserved { name: name.to_owned() });
        }
        Ok(Self(Arc::from(name)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    //! Which names an event may have.

    use super::*;

    #[test]
    fn every_reserved_name_is_refused() {
        for name in RESERVED.into_iter().chain(["reconnecting", "reconnect_attempt"]) {
            let reserved = EventError::Reserved { name: name.to_owned() };
            assert_eq!(EventName::new(name), Err(reserved));
        }
    }

    #[test]
    fn a_name_that_only_contains_a_reserved_one_is_taken() {
        for name in ["file.error", "pinged", "Connect", "re.connect", "新"] {
            assert_eq!(EventName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_has_1_to_256_bytes() {
        assert_eq!(EventName::new(""), Err(EventError::Empty));
        assert!(EventName::new(&"e".repeat(256)).is_ok());
        let too_long = EventError::TooLong { len_bytes: 257, len_bytes_max: 256 };
        assert_eq!(EventName::new(&"e".repeat(257)), Err(too_long));
    }
}
