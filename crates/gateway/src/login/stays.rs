//! The rooms that one seat is in, or on its way into. Nearly always none or one.
//!
//! Locks: `rooms` is held while the hub counts a member in or out, so that being put out and getting in
//! never cross; never the other way round.

use std::sync::{Arc, OnceLock};

use notice::Audience;
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use super::reply::Fault;

/// Takes memory only for a seat that logs in.
#[derive(Debug, Default)]
pub(crate) struct Stays(OnceLock<Box<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Logins and leavings of one seat go one at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
    rooms: Mutex<Rooms>,
}

#[derive(Debug, Default)]
struct Rooms {
    stays: Vec<Stay>,
    /// Where the seat was put out and has not been told, each once.
    owed: Vec<Audience>,
    /// The seat has left: it gets in nowhere any more.
    has_left: bool,
}

#[derive(Debug)]
struct Stay {
    room: Audience,
    before: Before,
}

/// Where a seat stands, or stood before a login that is under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Before {
    Out,
    In,
}

impl Stays {
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.inner().turn).lock_owned().await
    }

    pub(super) fn try_turn(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.inner().turn).try_lock_owned().ok()
    }

    /// Notes that a login is under way. The caller has the turn.
    pub(super) fn begin(&self, room: &Audience, rooms_max: usize) -> Result<Before, Fault> {
        let mut rooms = self.inner().rooms.lock();
        if rooms.has_left {
            return Err(Fault::Gone);
        }
        if let Some(stay) = rooms.find(room) {
            return Ok(stay.before);
        }
        if rooms.stays.len() >= rooms_max {
            return Err(Fault::TooManyRooms);
        }
        rooms.stays.push(Stay { room: room.clone(), before: Before::Out });
        Ok(Before::Out)
    }

    /// A login is over that was begun: `join` makes the seat a member, `leave` ends what was begun for it.
    /// `false`: the seat has left meanwhile.
    pub(super) fn finish(
        &self,
        room: &Audience,
        got_in: bool,
        join: impl FnOnce(),
        leave: impl FnOnce(),
    ) -> bool {
        let mut rooms = self.inner().rooms.lock();
        match rooms.find(room) {
            None => {
                leave();
                return false;
            }
            Some(stay) if stay.before == Before::In => {}
            Some(stay) if got_in => {
                stay.before = Before::In;
                join();
            }
            Some(_) => {
                rooms.remove(room);
                leave();
            }
        }
        true
    }

    /// A login was given up that was begun: what was before stays.
    pub(super) fn abandon(&self, room: &Audience) {
        let mut rooms = self.inner().rooms.lock();
        rooms.stays.retain(|stay| stay.room != *room || stay.before == Before::In);
    }

    /// Whether the seat was in, and was made to leave by `leave`. The caller has the turn.
    pub(super) fn leave(&self, room: &Audience, leave: impl FnOnce()) -> bool {
        self.put_out(room, || false, leave)
    }

    /// The same, unless the adapter `holds` the seat in the room.
    pub(super) fn put_out(
        &self,
        room: &Audience,
        holds: impl FnOnce() -> bool,
        leave: impl FnOnce(),
    ) -> bool {
        let mut rooms = self.inner().rooms.lock();
        if rooms.find(room).is_none() || holds() {
            return false;
        }
        rooms.remove(room);
        leave();
        true
    }

    /// Notes that the adapter has put the seat out of a room that it is in, or about to be.
    pub(super) fn owe(&self, room: &Audience) {
        let mut rooms = self.inner().rooms.lock();
        if rooms.find(room).is_some() && !rooms.owed.contains(room) {
            rooms.owed.push(room.clone());
        }
    }

    pub(super) fn owes(&self) -> bool {
        self.0.get().is_some_and(|inner| !inner.rooms.lock().owed.is_empty())
    }

    pub(super) fn take_owed(&self) -> Vec<Audience> {
        std::mem::take(&mut self.inner().rooms.lock().owed)
    }

    /// Refuses new stays from now on, and gives all there were.
    pub(super) fn leave_all(&self) -> Vec<Audience> {
        let Rooms { stays, owed, has_left } = &mut *self.inner().rooms.lock();
        *has_left = true;
        owed.clear();
        std::mem::take(stays).into_iter().map(|stay| stay.room).collect()
    }

    fn inner(&self) -> &Inner {
        self.0.get_or_init(Box::default)
    }
}

impl Rooms {
    fn find(&mut self, room: &Audience) -> Option<&mut Stay> {
        self.stays.iter_mut().find(|stay| stay.room == *room)
    }

    fn remove(&mut self, room: &Audience) {
        self.stays.retain(|stay| stay.room != *room);
    }
}

#[cfg(test)]
mod tests;
