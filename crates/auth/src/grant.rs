//! What a client that was let in is, and may hear.

use std::{fmt, sync::Arc, time::SystemTime};

use notice::{NameError, Room, UserId};

/// How many patterns one grant may hold.
pub(crate) const ROOMS_MAX: usize = 256;

/// The outcome of a token or of the backend's answer. Clones share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    pub user: UserId,
    pub rooms: Rooms,
    /// When the socket must end; a leeway for clocks is in it.
    pub expires: Option<SystemTime>,
    /// The token's `jti`, by which it can be revoked.
    pub token: Option<Arc<str>>,
    /// The token's `iat`, for a revocation of all that are older.
    pub issued: Option<SystemTime>,
}

/// The rooms that a grant opens.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rooms(Arc<[RoomPattern]>);

/// A room, or all whose names begin alike: `chat:*`.
#[derive(Clone, Eq, PartialEq)]
pub enum RoomPattern {
    One(Room),
    /// Without its `*`. Empty: every room.
    Prefix(Arc<str>),
}

impl Rooms {
    /// Takes up to 256 patterns; `None` if there are more.
    pub fn new(patterns: Vec<RoomPattern>) -> Option<Self> {
        (patterns.len() <= ROOMS_MAX).then(|| Self(patterns.into()))
    }

    pub fn allow(&self, room: &Room) -> bool {
        self.0.iter().any(|pattern| pattern.covers(room))
    }
}

impl RoomPattern {
    /// A room's name, or the beginning of names and a `*`.
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

#[cfg(test)]
mod tests {
    //! Which rooms a grant opens.

    use super::*;

    fn rooms(patterns: &[&str]) -> Rooms {
        let patterns = patterns.iter().map(|text| RoomPattern::new(text).unwrap()).collect();
        Rooms::new(patterns).unwrap()
    }

    fn allows(patterns: &[&str], room: &str) -> bool {
        rooms(patterns).allow(&Room::new(room).unwrap())
    }

    #[test]
    fn a_name_opens_that_room_alone() {
        assert!(allows(&["456"], "456"));
        assert!(!allows(&["456"], "4567"));
        assert!(!allows(&[], "456"));
    }

    #[test]
    fn a_star_at_the_end_opens_all_that_begin_alike() {
        assert!(allows(&["chat:*"], "chat:1"));
        assert!(!allows(&["chat:*"], "chat"));
        assert!(allows(&["*"], "anything"));
        assert!(!allows(&["a*b"], "aXb"), "a star inside is a letter of the name");
    }

    #[test]
    fn there_are_at_most_256() {
        let one = RoomPattern::new("a").unwrap();
        assert!(Rooms::new(vec![one.clone(); ROOMS_MAX]).is_some());
        assert!(Rooms::new(vec![one; ROOMS_MAX + 1]).is_none());
    }
}
