//! What lets a seat stay: the grant that it came in by, or a newer one.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth::{Gate, Grant};
use notice::Room;
use parking_lot::Mutex;

use super::Seat;
use crate::{departure::Departure, engine::Beat};

/// Empty where nobody asks who a client is.
#[derive(Debug)]
pub(crate) struct Pass(Mutex<Option<Box<Grant>>>);

impl Pass {
    pub(super) fn new(grant: Option<Grant>) -> Self {
        Self(Mutex::new(grant.map(Box::new)))
    }

    /// Whether the seat may be in `room`. Without a grant it may be anywhere.
    pub(crate) fn opens(&self, room: &Room) -> bool {
        self.0.lock().as_ref().is_none_or(|grant| grant.rooms.cover(room))
    }

    /// Whether what it was let in by was taken back.
    pub(crate) fn is_revoked(&self, gate: &Gate) -> bool {
        self.0.lock().as_ref().is_some_and(|grant| gate.has_revoked(grant))
    }

    /// Takes a newer grant of the same user in place of the one before, and gives that.
    pub(crate) fn renew(&self, seat: &Arc<Seat>, grant: Grant) -> Option<Box<Grant>> {
        let old = self.0.lock().replace(Box::new(grant));
        if old.as_ref().is_none_or(|old| old.expires.is_none()) {
            self.watch(seat);
        }
        old
    }

    /// Lets the pulse end the seat in time, if it has an end.
    pub(crate) fn watch(&self, seat: &Arc<Seat>) {
        if let Some(left) = self.left() {
            seat.session.shared.pulse.after(left, Beat::Pass(Arc::downgrade(seat)));
        }
    }

    /// `None`: it has no end.
    fn left(&self) -> Option<Duration> {
        let expires = self.0.lock().as_ref()?.expires?;
        Some(expires.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

impl Seat {
    /// Puts the seat out if its time is over; else how long it still may stay.
    pub(crate) fn check_pass(&self) -> Option<Duration> {
        let left = self.pass.left()?;
        if !left.is_zero() {
            return Some(left);
        }
        self.put_out(Departure::Expired, None);
        None
    }

    /// Puts the seat out of its namespace for good, with a word of why. A plain client has one namespace,
    /// and no packet to leave it by.
    pub(crate) fn put_out(&self, departure: Departure, reason: Option<&str>) {
        let session = &self.session;
        if session.dialect.is_engine() {
            session.seats.put_out(self, departure, reason);
            session.shared.events.put_out(departure, session.address);
        } else {
            session.leave_saying(departure, reason);
        }
    }
}
