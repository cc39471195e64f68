//! Rooms named together: one, or all whose names begin alike.

use std::{fmt, sync::Arc};

use crate::names::{NameError, Room};

/// A room, or all whose names begin alike: `chat:*`.
#[derive(Clone, Eq, PartialEq)]
pub enum RoomPattern {
    One(Room),
    /// Without its `*`. Empty: every room.
    Prefix(Arc<str>),
}

impl RoomPattern {
    /// A room's name, or the beginning of names and a `*`, which stands at the end only.
    pub fn new(text: &str) -> Result<Self, NameError> {
        match text.strip_suffix('*') {
            Some("") => Ok(Self::Prefix(Arc::from(""))),
            Some(prefix) => Room::new(prefix).map(|room| Self::Prefix(Arc::from(room.as_str()))),
            None => Room::new(text).map(Self::One),
        }
    }

    pub fn covers(&self, room: &Room) -> bool {
        match self {
            Self::One(one) => one == room,
            Self::Prefix(prefix) => room.as_str().starts_with(&**prefix),
        }
    }
}

impl fmt::Display for RoomPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(room) => write!(f, "{room}"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl fmt::Debug for RoomPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}
