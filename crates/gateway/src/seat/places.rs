//! Where a seat stands in the hub's lists, so that it is found again without a search.

use std::collections::HashSet;

use notice::{Audience, Room, Scope};
use parking_lot::Mutex;

/// What a seat is in beside its rooms: its user's audience and everyone's.
const BESIDE_ROOMS: usize = 2;

/// A seat's memberships. Changed by the hub only, under the lock of the audience's shard.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<Stand>);

#[derive(Debug, Default)]
struct Stand {
    places: Vec<Place>,
    /// The seat has left: nothing is added any more.
    left: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Place {
    audience: Audience,
    /// The position in the hub's list of members.
    pub(crate) index: usize,
    /// The bus counts this membership.
    pub(crate) entered: bool,
}

/// What became of a seat that was to be a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Entry {
    Added,
    /// It is one already.
    There,
    /// It is in as many audiences as it may be.
    Full,
    /// The user has as many sockets as it may have.
    Crowded,
    /// It has left the node.
    Left,
}

impl Places {
    pub(crate) fn add(&self, audience: &Audience, index: usize, rooms_max: usize) -> Entry {
        let mut stand = self.0.lock();
        if stand.left {
            return Entry::Left;
        }
        if stand.places.iter().any(|place| place.audience == *audience) {
            return Entry::There;
        }
        if stand.places.len() >= rooms_max.saturating_add(BESIDE_ROOMS) {
            return Entry::Full;
        }
        stand.places.reserve_exact(1);
        stand.places.push(Place { audience: audience.clone(), index, entered: false });
        Entry::Added
    }

    pub(crate) fn remove(&self, audience: &Audience) -> Option<Place> {
        let mut stand = self.0.lock();
        let at = stand.places.iter().position(|place| place.audience == *audience)?;
        Some(stand.places.swap_remove(at))
    }

    pub(crate) fn moved(&self, audience: &Audience, index: usize) {
        let mut stand = self.0.lock();
        if let Some(place) = stand.places.iter_mut().find(|place| place.audience == *audience) {
            place.index = index;
        }
    }

    /// Notes that the bus counts this membership. `false`: it has ended meanwhile.
    pub(crate) fn entered(&self, audience: &Audience) -> bool {
        let mut stand = self.0.lock();
        let place = stand.places.iter_mut().find(|place| place.audience == *audience);
        place.map(|place| place.entered = true).is_some()
    }

    /// Refuses new memberships from now on, and names one that is left to end.
    pub(crate) fn leave_next(&self) -> Option<Audience> {
        let mut stand = self.0.lock();
        stand.left = true;
        stand.places.last().map(|place| place.audience.clone())
    }

    pub(crate) fn is_in_any(&self, rooms: &HashSet<Room>) -> bool {
        self.0.lock().places.iter().any(|place| match &place.audience.scope {
            Scope::Room(room) => rooms.contains(room),
            _ => false,
        })
    }

    pub(crate) fn has(&self, audience: &Audience) -> bool {
        self.0.lock().places.iter().any(|place| place.audience == *audience)
    }

    pub(crate) fn audiences(&self) -> Vec<Audience> {
        self.0.lock().places.iter().map(|place| place.audience.clone()).collect()
    }
}
