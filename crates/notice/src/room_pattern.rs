//! Rooms named together: one, or all whose names begin alike.

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::names::{NameError, Room};

/// A room, or all whose names begin alike: `chat:*`.
#[derive(Clone, Eq, PartialEq)]
pub enum RoomPattern {
    One(Room),
    /// Without its `*`. Empty: every room.
    Prefix(Arc<str>),
}

/// Why a text is no pattern of rooms.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum RoomPatternError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("{pattern:?} has a * before its end")]
    Star { pattern: String },
}

impl RoomPattern {
    /// A room's name, or the beginning of names and a `*`. A `*` stands at the end only, since whoever
    /// writes one elsewhere means what it does not do.
    pub fn new(text: &str) -> Result<Self, RoomPatternError> {
        let (name, is_prefix) =
            text.strip_suffix('*').map_or((text, false), |prefix| (prefix, true));
        if name.contains('*') {
            return Err(RoomPatternError::Star { pattern: text.to_owned() });
        }
        match (name, is_prefix) {
            ("", true) => Ok(Self::Prefix(Arc::from(""))),
            (_, true) => Ok(Self::Prefix(Arc::from(Room::new(name)?.as_str()))),
            (_, false) => Ok(Self::One(Room::new(name)?)),
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
