//! What one socket said, and how the backend reads it.

use std::fmt;

use notice::{Namespace, NodeId, Room, SocketId, UserId};

/// One thing that a socket said, or that happened to it.
#[derive(Clone)]
pub struct Entry {
    pub user: Option<UserId>,
    /// The id that its client knows.
    pub socket: SocketId,
    pub namespace: Namespace,
    pub said: Said,
}

/// Only an event is the client's own word; the rest the node says of it.
#[derive(Clone)]
pub enum Said {
    /// `args` is the list of its arguments, as JSON.
    Event {
        event: String,
        args: String,
    },
    Connect,
    Disconnect {
        reason: &'static str,
    },
    Join {
        room: Room,
    },
    Leave {
        room: Room,
    },
}

/// An entry's fields, in the order in which they are written.
pub(crate) type Fields = Vec<(&'static str, String)>;

/// An entry as it is kept.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) kind: &'static str,
    pub(crate) fields: Fields,
}

impl Said {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Event { .. } => "event",
            Self::Connect => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::Join { .. } => "join",
            Self::Leave { .. } => "leave",
        }
    }
}

impl Entry {
    pub(super) fn written(&self, node: &NodeId) -> Written {
        let kind = self.said.kind();
        let user = self.user.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut fields = vec![
            ("kind", kind.to_owned()),
            ("user", user),
            ("socket", self.socket.to_string()),
            ("namespace", self.namespace.to_string()),
            ("node", node.to_string()),
        ];
        match &self.said {
            Said::Event { event, args } => {
                fields.extend([("event", event.clone()), ("args", args.clone())]);
            }
            Said::Connect => {}
            Said::Disconnect { reason } => fields.push(("reason", (*reason).to_owned())),
            Said::Join { room } | Said::Leave { room } => fields.push(("room", room.to_string())),
        }
        Written { kind, fields }
    }
}

impl Written {
    pub(super) fn len_bytes(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl fmt::Debug for Entry {
    // What clients say is theirs; logs get its kind only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.said.kind())
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({}, {} bytes)", self.kind, self.len_bytes())
    }
}
