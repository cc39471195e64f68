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

/// Several of them: a room is covered if one of them covers it. Clones share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomPatterns(Arc<[RoomPattern]>);

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

impl RoomPatterns {
    pub fn cover(&self, room: &Room) -> bool {
        self.0.iter().any(|pattern| pattern.covers(room))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Default for RoomPatterns {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

impl FromIterator<RoomPattern> for RoomPatterns {
    fn from_iter<I: IntoIterator<Item = RoomPattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
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

#[cfg(test)]
mod tests {
    //! Which rooms patterns cover.

    use super::*;

    fn cover(patterns: &[&str], room: &str) -> bool {
        let patterns = patterns.iter().map(|text| RoomPattern::new(text).unwrap());
        patterns.collect::<RoomPatterns>().cover(&Room::new(room).unwrap())
    }

    #[test]
    fn a_name_covers_that_room_alone() {
        assert!(cover(&["456"], "456"));
        assert!(!cover(&["456"], "4567"));
        assert!(!cover(&[], "456"));
    }

    #[test]
    fn a_star_at_the_end_covers_all_that_begin_alike() {
        assert!(cover(&["1", "chat:*"], "chat:1"));
        assert!(!cover(&["chat:*"], "chat"));
        assert!(cover(&["*"], "anything"));
        assert!(RoomPattern::new("a*b").is_err() && RoomPattern::new("*b*").is_err());
    }
}
