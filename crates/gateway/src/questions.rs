//! What gateways ask each other, on the wire. Each question is answered by `answering`, whichever release
//! asks: what it does not know it answers as unknown.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// Nodes of one cluster may be of two releases while one replaces the other.
const VERSION: u8 = 1;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    Sockets(Which),
    Rooms(Rooms),
    Do(Order),
    Emit(Emit),
    /// An emit that leaves somebody out: under a name of its own, since a release that does not know
    /// `except` must not send it.
    EmitExcept(Emit, Except),
    /// The list of what is revoked has grown.
    Revoked,
    /// The client of this socket sits at the node that asks by now.
    Resumed {
        namespace: String,
        socket: String,
        /// Which seat of the node that is asked it was.
        number: u64,
    },
    /// The node that is asked empties itself.
    Empty {
        over_ms: u64,
    },
    /// It lets those go that are more than it may keep.
    Shed {
        keep: usize,
        over_ms: u64,
    },
}

/// Which sockets to list; all that is named must fit.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Which {
    pub(crate) room: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) len_max: usize,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Rooms {
    pub(crate) namespace: Option<String>,
    pub(crate) len_max: usize,
}

/// Something to be done with some sockets of a namespace.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) namespace: String,
    pub(crate) who: Who,
    pub(crate) deed: Deed,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    Socket(String),
    User(String),
    Room(String),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    Join { rooms: Vec<String> },
    Leave { rooms: Vec<String> },
    Disconnect { close: bool, reason: Option<String> },
}

impl Deed {
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Join { .. } => "join",
            Self::Leave { .. } => "leave",
            Self::Disconnect { .. } => "disconnect",
        }
    }
}

/// An event for one socket.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Emit {
    pub(crate) namespace: String,
    pub(crate) socket: String,
    pub(crate) event: Option<String>,
    /// The arguments' JSON texts joined by commas.
    pub(crate) args: String,
    /// In base64.
    pub(crate) attachments: Vec<String>,
    #[serde(default)]
    pub(crate) volatile: bool,
    /// A node that does not know this records nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
}

/// Whom an emit leaves out, whoever else it is for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Except {
    pub(crate) rooms: Vec<String>,
    pub(crate) sockets: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Sockets(Listed),
    Rooms(Counted),
    Done(Done),
    Sent {
        id: String,
        sockets: usize,
    },
    /// So many sockets are going to go.
    Leaving {
        sockets: usize,
    },
    /// No such socket is here.
    NotHere,
    /// It was not done, or not with all: the bus did not answer.
    Unable,
    /// It was not begun: too many orders wait.
    Busy,
    /// A question that this release does not know.
    Unknown,
}

/// What became of an order, in sockets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Done {
    /// It was done with these.
    pub(crate) sockets: usize,
    /// These stayed out of a room, because it is full or they are in as many as they may be.
    pub(crate) full: usize,
}

#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Listed {
    pub(crate) sockets: Vec<Box<RawValue>>,
    pub(crate) more: bool,
}

/// Members by namespace and room, in that order. With `more`, what comes after the last is left out.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Counted {
    pub(crate) rooms: Vec<(String, String, usize)>,
    pub(crate) more: bool,
}

#[derive(Serialize)]
struct Sealed<'a, T> {
    v: u8,
    says: &'a T,
}

#[derive(Deserialize)]
struct Opened<T> {
    v: u8,
    says: T,
}

pub(crate) fn seal<T: Serialize>(says: &T) -> Bytes {
    let json = serde_json::to_vec(&Sealed { v: VERSION, says });
    json.expect("texts, numbers and JSON are JSON").into()
}

/// `None`: another release says something that this one does not know.
pub(crate) fn open<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let opened: Opened<T> = serde_json::from_slice(bytes).ok()?;
    (opened.v == VERSION).then_some(opened.says)
}

impl Counted {
    /// The sums of several nodes' counts, as far as every one of them goes, and at most `len_max`.
    pub(crate) fn sum(counts: Vec<Self>, len_max: usize) -> Self {
        let end = |counted: &Self| counted.rooms.last().map(|(name, room, _)| key(name, room));
        let cut = counts.iter().filter(|counted| counted.more).filter_map(end).min();
        let mut more = counts.iter().any(|counted| counted.more);
        let mut sums = BTreeMap::new();
        for (namespace, room, count) in counts.into_iter().flat_map(|counted| counted.rooms) {
            *sums.entry((namespace, room)).or_insert(0) += count;
        }
        sums.retain(|at, _| cut.as_ref().is_none_or(|cut| at <= cut));
        more |= sums.len() > len_max;
        let rooms = sums.into_iter().take(len_max);
        Self { rooms: rooms.map(|((name, room), count)| (name, room, count)).collect(), more }
    }
}

fn key(namespace: &str, room: &str) -> (String, String) {
    (namespace.to_owned(), room.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(rooms: &[(&str, usize)], more: bool) -> Counted {
        let rooms = rooms.iter().map(|(room, count)| ("/".into(), (*room).into(), *count));
        Counted { rooms: rooms.collect(), more }
    }

    #[test]
    fn sums_go_only_as_far_as_every_count() {
        let counts =
            vec![counted(&[("a", 1), ("c", 2)], true), counted(&[("a", 3), ("d", 4)], false)];
        let sum = Counted::sum(counts, 10);
        assert_eq!(sum.rooms, counted(&[("a", 4), ("c", 2)], true).rooms);
        assert!(sum.more);
    }

    #[test]
    fn a_sum_past_the_limit_says_that_there_is_more() {
        let sum = Counted::sum(vec![counted(&[("a", 1), ("b", 2)], false)], 1);
        assert_eq!((sum.rooms.len(), sum.more), (1, true));
        let sum = Counted::sum(vec![counted(&[("a", 1)], false)], 1);
        assert_eq!((sum.rooms.len(), sum.more), (1, false));
    }

    #[test]
    fn what_another_release_says_is_unknown_and_no_failure() {
        assert!(open::<Question>(br#"{"v":1,"says":{"paint":{}}}"#).is_none());
        assert!(open::<Question>(br#"{"v":2,"says":{"rooms":{"len_max":1}}}"#).is_none());
        assert!(open::<Question>(b"").is_none());
        let question = Question::Rooms(Rooms { namespace: None, len_max: 7 });
        let Some(Question::Rooms(rooms)) = open(&seal(&question)) else { panic!("it comes out") };
        assert_eq!(rooms.len_max, 7);
    }

    #[test]
    fn a_listed_socket_crosses_as_it_is_written() {
        let json = r#"{"id": "a",  "n":1.0}"#;
        let sockets = vec![RawValue::from_string(json.into()).unwrap()];
        let sealed = seal(&Answer::Sockets(Listed { sockets, more: true }));
        let Some(Answer::Sockets(listed)) = open(&sealed) else { panic!("it comes out") };
        assert_eq!((listed.sockets[0].get(), listed.more), (json, true));
    }
}
