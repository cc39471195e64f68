//! The rooms that one seat is in, or on its way into. Nearly always none or one.
//!
//! Locks: `rooms` is held while the hub counts a member in or out, so that being put out and getting in
//! never cross; never the other way round.

use std::sync::OnceLock;

use notice::Audience;
use parking_lot::Mutex;
use tokio::sync::MutexGuard;

use super::reply::Fault;

/// Rooms of one seat. Past it, a login is refused.
const ROOMS_MAX: usize = 256;

/// Takes memory only for a seat that logs in.
#[derive(Debug, Default)]
pub(crate) struct Stays(OnceLock<Box<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Logins and leavings of one seat go one at a time.
    turn: tokio::sync::Mutex<()>,
    rooms: Mutex<Rooms>,
}

#[derive(Debug, Default)]
struct Rooms {
    stays: Vec<Stay>,
    /// The seat has left: it gets in nowhere any more.
    has_left: bool,
}

#[derive(Debug)]
struct Stay {
    room: Audience,
    before: Before,
    /// Set while a login is under way.
    entering: Option<Entering>,
}

#[derive(Debug, Default)]
struct Entering {
    /// The adapter has put the seat out meanwhile: of the stay before, or of what it was about to get.
    was_put_out: bool,
}

/// Where a seat stood before a login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Before {
    Out,
    In,
}

/// What came of a login beside its outcome.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    /// The seat was put out of its earlier stay.
    pub(super) was_put_out_before: bool,
    /// The seat got in and was put out at once.
    pub(super) is_put_out_again: bool,
    /// The seat was given up, and holds nothing any more.
    pub(super) has_left: bool,
}

impl Stays {
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.inner().turn.lock().await
    }

    /// Notes that a login is under way. The caller has the turn.
    pub(super) fn begin(&self, room: &Audience) -> Result<Before, Fault> {
        let mut rooms = self.inner().rooms.lock();
        if rooms.has_left {
            return Err(Fault::Gone);
        }
        if let Some(stay) = rooms.find(room) {
            stay.entering = Some(Entering::default());
            return Ok(stay.before);
        }
        if rooms.stays.len() >= ROOMS_MAX {
            return Err(Fault::TooManyRooms);
        }
        let (room, entering) = (room.clone(), Some(Entering::default()));
        rooms.stays.push(Stay { room, before: Before::Out, entering });
        Ok(Before::Out)
    }

    /// A login is over that was begun. `join` makes the seat a member, `leave` ends what it was; `holds`
    /// asks the adapter whether it holds the seat in the room now.
    pub(super) fn finish(
        &self,
        room: &Audience,
        got_in: bool,
        holds: impl FnOnce() -> bool,
        join: impl FnOnce(),
        leave: impl FnOnce(),
    ) -> Verdict {
        let mut rooms = self.inner().rooms.lock();
        let Some(stay) = rooms.find(room) else {
            leave();
            return Verdict { has_left: true, ..Verdict::default() };
        };
        let was_put_out = stay.entering.take().is_some_and(|entering| entering.was_put_out);
        let was_in = stay.before == Before::In;
        // Put out without having been told yet, it is told when the adapter's word comes.
        let is_in = if was_put_out { holds() } else { got_in || was_in };
        match (is_in, was_in) {
            (true, true) => {}
            (true, false) => {
                stay.before = Before::In;
                join();
            }
            (false, _) => {
                rooms.stays.retain(|stay| stay.room != *room);
                leave();
            }
        }
        Verdict {
            was_put_out_before: was_put_out && was_in && got_in == is_in,
            is_put_out_again: was_put_out && got_in && !is_in,
            has_left: false,
        }
    }

    /// A login was given up that was begun: what was before stays.
    pub(super) fn abandon(&self, room: &Audience) {
        let mut rooms = self.inner().rooms.lock();
        if let Some(stay) = rooms.find(room) {
            stay.entering = None;
        }
        rooms.stays.retain(|stay| stay.room != *room || stay.before == Before::In);
    }

    /// Whether the seat was in, and was made to leave by `leave`. The caller has the turn.
    pub(super) fn leave(&self, room: &Audience, leave: impl FnOnce()) -> bool {
        let mut rooms = self.inner().rooms.lock();
        let was_in = rooms.find(room).is_some();
        if was_in {
            rooms.stays.retain(|stay| stay.room != *room);
            leave();
        }
        was_in
    }

    /// The same, when the adapter has put it out. `false` too while a login is under way, at whose end this
    /// is seen to.
    pub(super) fn put_out(&self, room: &Audience, leave: impl FnOnce()) -> bool {
        let mut rooms = self.inner().rooms.lock();
        match rooms.find(room) {
            None => false,
            Some(Stay { entering: Some(entering), .. }) => {
                entering.was_put_out = true;
                false
            }
            Some(_) => {
                rooms.stays.retain(|stay| stay.room != *room);
                leave();
                true
            }
        }
    }

    /// Refuses new stays from now on, and gives all there were.
    pub(super) fn leave_all(&self) -> Vec<Audience> {
        let Rooms { stays, has_left } = &mut *self.inner().rooms.lock();
        *has_left = true;
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
}

#[cfg(test)]
mod tests;
