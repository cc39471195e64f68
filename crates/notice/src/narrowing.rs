//! Which members of an audience a notice is for, where it is not for all of them.

use std::fmt;

use crate::names::{Room, SocketId};

/// What a member must be, and must not be. Rooms are those of the audience's namespace.
///
/// It travels with its notice and is applied by each node to the members that it has, so that a choice
/// of many rooms is one notice all the same (ADR 5).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Narrowing {
    /// In at least one of these, unless there are none.
    pub rooms: Vec<Room>,
    /// This one, by the id that its client knows.
    pub socket: Option<SocketId>,
    /// In none of these.
    pub except_rooms: Vec<Room>,
    /// None of these.
    pub except_sockets: Vec<SocketId>,
}

impl Narrowing {
    /// Whether it leaves nobody out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Narrowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(socket) = &self.socket {
            parts.push(format!("only socket {socket:?}"));
        }
        if !self.rooms.is_empty() {
            parts.push(format!("only rooms {:?}", self.rooms));
        }
        if !self.except_rooms.is_empty() {
            parts.push(format!("except rooms {:?}", self.except_rooms));
        }
        if !self.except_sockets.is_empty() {
            parts.push(format!("except sockets {:?}", self.except_sockets));
        }
        f.write_str(&parts.join(", "))
    }
}
