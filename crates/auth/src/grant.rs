//! What a client that was let in is, and may hear.

use std::{sync::Arc, time::SystemTime};

use notice::{Room, RoomPattern, UserId};

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

impl Rooms {
    /// Takes up to 256 patterns; `None` if there are more.
    pub fn new(patterns: Vec<RoomPattern>) -> Option<Self> {
        (patterns.len() <= ROOMS_MAX).then(|| Self(patterns.into()))
    }

    pub fn allow(&self, room: &Room) -> bool {
        self.0.iter().any(|pattern| pattern.covers(room))
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
        assert!(RoomPattern::new("a*b").is_err() && RoomPattern::new("*b*").is_err());
    }

    #[test]
    fn there_are_at_most_256() {
        let one = RoomPattern::new("a").unwrap();
        assert!(Rooms::new(vec![one.clone(); ROOMS_MAX]).is_some());
        assert!(Rooms::new(vec![one; ROOMS_MAX + 1]).is_none());
    }
}
