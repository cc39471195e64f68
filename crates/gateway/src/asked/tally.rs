//! What has come back to one question, from all nodes.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide_core::{Sid, Value};

use super::report::{Missed, Refused, Report};

/// What all answers to one question may weigh; what is past it is not passed on, and counts as missing.
const ANSWERS_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) acks: Vec<Ack>,
    /// What a node was not asked, or did not say, and why.
    pub(crate) unasked: Vec<Unasked>,
    /// Sockets that gave no answer.
    missed: usize,
    bytes: usize,
    /// The nodes that have said how many sockets they ask.
    nodes: HashMap<Sid, Heard>,
}

#[derive(Debug)]
struct Heard {
    node: String,
    sockets: usize,
    /// Those of its sockets that it has still to speak of.
    left: usize,
}

/// The answer of one socket.
#[derive(Debug, Serialize)]
pub(crate) struct Ack {
    socket: String,
    data: Box<RawValue>,
}

/// A node of which it is not known what its sockets would have answered; without a name, the others.
#[derive(Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Unasked {
    pub(crate) node: Option<String>,
    pub(crate) reason: Reason,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Reason {
    Refused(Refused),
    Away(Away),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Away {
    /// It was asked and said nothing, not even how many sockets it has.
    Silent,
    /// The bus did not take the question.
    Unreachable,
}

impl Tally {
    /// Takes one word of a node.
    pub(crate) fn take(&mut self, from: Sid, said: Result<Value, Missed>) {
        match said.map(|value| Report::read(&value)) {
            Ok(Some(Report::Asked { node, sockets, refused })) => {
                self.heard(from, node, sockets, refused);
            }
            Ok(Some(Report::Answer { socket, data })) => {
                self.spoken(from, 1);
                self.answer(socket, data);
            }
            Ok(None) => self.missed(from, 1),
            Err(Missed { sockets }) => self.missed(from, sockets),
        }
    }

    fn heard(&mut self, from: Sid, node: String, sockets: usize, refused: Option<Refused>) {
        let left = if refused.is_some() { 0 } else { sockets };
        if let Some(reason) = refused {
            self.missed += sockets;
            let reason = Reason::Refused(reason);
            self.unasked.push(Unasked { node: Some(node.clone()), reason });
        }
        self.nodes.insert(from, Heard { node, sockets, left });
    }

    fn answer(&mut self, socket: String, data: Box<RawValue>) {
        self.bytes += socket.len() + data.get().len();
        if self.bytes > ANSWERS_BYTES_MAX {
            self.missed += 1;
        } else {
            self.acks.push(Ack { socket, data });
        }
    }

    fn missed(&mut self, from: Sid, sockets: usize) {
        self.missed += sockets;
        self.spoken(from, sockets);
    }

    fn spoken(&mut self, from: Sid, sockets: usize) {
        if let Some(heard) = self.nodes.get_mut(&from) {
            heard.left = heard.left.saturating_sub(sockets);
        }
    }

    /// Notes nodes that are not heard of, or not in time. Each counts as one that is missing: how many
    /// sockets it has is not known, and none missing must mean that all have answered.
    pub(crate) fn away(&mut self, node: Option<String>, why: Away) {
        self.unasked.push(Unasked { node, reason: Reason::Away(why) });
        self.missed += 1;
    }

    /// Why the one node heard so far asks nobody, if it does not.
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.unasked.iter().find_map(|unasked| match unasked.reason {
            Reason::Refused(refused) => Some(refused),
            Reason::Away(_) => None,
        })
    }

    /// Whether every node that was heard has spoken of each of its sockets.
    pub(crate) fn is_settled(&self) -> bool {
        self.nodes.values().all(|heard| heard.left == 0)
    }

    /// Whether the bus did not take the question, so that nobody else was asked.
    pub(crate) fn is_cut_off(&self) -> bool {
        let unreachable = Reason::Away(Away::Unreachable);
        self.unasked.iter().any(|unasked| unasked.reason == unreachable)
    }

    /// How many nodes have been heard.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn has_heard(&self, node: &str) -> bool {
        self.nodes.values().any(|heard| heard.node == node)
    }

    /// How many sockets are known to be of the audience.
    pub(crate) fn sockets(&self) -> usize {
        self.nodes.values().map(|heard| heard.sockets).sum()
    }

    pub(crate) fn missing(&self) -> usize {
        self.missed + self.nodes.values().map(|heard| heard.left).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    //! What counts as missing, and when all is said.

    use super::*;

    fn asked(node: &str, sockets: usize, refused: Option<Refused>) -> Value {
        Report::Asked { node: node.to_owned(), sockets, refused }.written()
    }

    fn answer(socket: &str, json: &str) -> Value {
        let data = RawValue::from_string(json.to_owned()).unwrap();
        Report::Answer { socket: socket.to_owned(), data }.written()
    }

    #[test]
    fn it_is_settled_when_every_node_has_spoken_of_each_of_its_sockets() {
        let (mut tally, here, there) = (Tally::default(), Sid::new(), Sid::new());
        tally.take(here, Ok(asked("a", 2, None)));
        tally.take(there, Ok(asked("b", 0, None)));
        assert!(!tally.is_settled());
        assert_eq!((tally.nodes(), tally.sockets(), tally.missing()), (2, 2, 2));
        tally.take(here, Ok(answer("x", "1")));
        assert_eq!(tally.missing(), 1);
        tally.take(here, Err(Missed { sockets: 1 }));
        assert!(tally.is_settled());
        assert_eq!((tally.acks.len(), tally.missing()), (1, 1));
    }

    #[test]
    fn what_a_node_does_not_ask_is_missing_and_named() {
        let mut tally = Tally::default();
        tally.take(Sid::new(), Ok(asked("a", 5000, Some(Refused::TooManySockets))));
        assert!(tally.is_settled());
        assert_eq!(tally.missing(), 5000);
        let reason = Reason::Refused(Refused::TooManySockets);
        assert_eq!(tally.unasked, [Unasked { node: Some("a".into()), reason }]);
    }

    #[test]
    fn a_node_that_is_away_is_at_least_one_missing() {
        let mut tally = Tally::default();
        tally.away(None, Away::Unreachable);
        assert!(tally.is_cut_off());
        assert_eq!(tally.missing(), 1);
        let json = serde_json::to_string(&tally.unasked).unwrap();
        assert_eq!(json, r#"[{"node":null,"reason":"unreachable"}]"#);
    }

    #[test]
    fn answers_past_the_weight_limit_are_missing() {
        let (mut tally, node) = (Tally::default(), Sid::new());
        tally.take(node, Ok(asked("a", 70, None)));
        let heavy = format!("\"{}\"", "x".repeat(notice::PAYLOAD_BYTES_MAX - 2));
        for _ in 0..70 {
            tally.take(node, Ok(answer("s", &heavy)));
        }
        assert!(tally.is_settled());
        assert_eq!((tally.acks.len(), tally.missing()), (63, 7));
    }
}
