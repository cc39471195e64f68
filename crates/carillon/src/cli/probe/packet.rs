//! What a server says, as far as a probe cares.

use serde_json::Value;

use super::NAMESPACE;

pub(super) enum Packet {
    Seated,
    Refused(String),
    /// The first argument of an event.
    Event(Value),
    Ping,
    Ended,
    Other,
}

impl Packet {
    /// Reads one text packet of Engine.IO 4.
    pub(super) fn read(text: &str) -> Self {
        match text.split_at_checked(1) {
            Some(("1", _)) => Self::Ended,
            Some(("2", _)) => Self::Ping,
            Some(("4", message)) => Self::of_namespace(message).unwrap_or(Self::Other),
            _ => Self::Other,
        }
    }

    fn of_namespace(message: &str) -> Option<Self> {
        let (kind, rest) = message.split_at_checked(1)?;
        let body = rest.strip_prefix(NAMESPACE)?.strip_prefix(',')?;
        match kind {
            "0" => Some(Self::Seated),
            "1" => Some(Self::Ended),
            "2" => {
                let mut event = serde_json::from_str::<Vec<Value>>(body).ok()?.into_iter();
                event.nth(1).map(Self::Event)
            }
            "4" => {
                let refusal = serde_json::from_str::<Value>(body).ok()?;
                Some(Self::Refused(refusal["message"].as_str()?.to_owned()))
            }
            _ => None,
        }
    }
}
