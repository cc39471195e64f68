//! What a message would become, without sending it.

use std::{sync::Arc, time::SystemTime};

use notice::{Audience, Draft, EventName, Kind, Message, Narrowing, StatusTable};

/// The answer for one message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Explanation {
    Becomes {
        /// `None`: the id of the one socket that it is for.
        event: Option<EventName>,
        kind: Kind,
        audience: Audience,
        narrowing: Option<Arc<Narrowing>>,
    },
    /// `reason` is one word of a closed list; `error` says the field, what was got and expected.
    Refused { reason: &'static str, error: String },
}

/// Reads one message as the intake would.
pub fn explain(json: &[u8], table: &StatusTable) -> Explanation {
    match Message::parse(json, table, None, SystemTime::UNIX_EPOCH) {
        Ok(message) => {
            let Draft { event, kind, audience, narrowing, .. } = message.into_draft();
            Explanation::Becomes { event, kind, audience, narrowing }
        }
        Err(error) => Explanation::Refused { reason: error.reason(), error: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    //! That the answer is the intake's own.

    use super::*;

    #[test]
    fn a_good_message_is_explained_by_what_it_becomes() {
        let json = br#"{"identity":"t","userIdentity":5,"status":1000}"#;
        let Explanation::Becomes { event, kind, audience, narrowing: None } =
            explain(json, &StatusTable::default())
        else {
            panic!("refused")
        };
        assert_eq!((event.unwrap().as_str(), kind.is_final()), ("file.complete", true));
        assert_eq!(audience.to_string(), "user:5@/notice");
    }

    #[test]
    fn a_bad_message_is_explained_by_its_refusal() {
        let explanation = explain(b"7", &StatusTable::default());
        let error = "read message: got a number, expected one JSON object".to_owned();
        assert_eq!(explanation, Explanation::Refused { reason: "not_object", error });
    }
}
