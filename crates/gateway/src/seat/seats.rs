//! The seats that one session has taken.

use std::sync::Arc;

use notice::Namespace;
use parking_lot::Mutex;
use socketioxide_core::{Str, packet::Packet};

use super::Seat;
use crate::{
    departure::Departure,
    encoded::Encoded,
    engine::{Dialect, Transport},
    forms::quoted,
    frames_of, login, uplink,
};

/// At most one seat per namespace. `None` once the session has left.
#[derive(Debug)]
pub(crate) struct Seats(Mutex<Option<Vec<Arc<Seat>>>>);

impl Default for Seats {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl Seats {
    pub(crate) fn all(&self) -> Vec<Arc<Seat>> {
        self.0.lock().clone().unwrap_or_default()
    }

    pub(crate) fn find(&self, namespace: &str) -> Option<Arc<Seat>> {
        let seats = self.0.lock();
        seats.as_ref()?.iter().find(|seat| seat.namespace.as_str() == namespace).cloned()
    }

    /// Takes `seat`, and makes it findable. `false`: the session has left, or sits in that namespace
    /// already.
    pub(crate) fn add(&self, seat: &Arc<Seat>) -> bool {
        let mut seats = self.0.lock();
        let Some(seats) = seats.as_mut() else { return false };
        if seats.iter().any(|other| other.namespace == seat.namespace) {
            return false;
        }
        seats.reserve_exact(1);
        seats.push(Arc::clone(seat));
        // Under the lock: a session that leaves now unlists after this, not before.
        seat.session.shared.hub.list(seat);
        // Here too: nothing of it comes before.
        uplink::connected(seat);
        count(seat, seat.session.transport(), 1);
        true
    }

    /// Gives up the seat in `namespace`.
    pub(crate) fn remove(&self, namespace: &str, departure: Departure) -> Option<Arc<Seat>> {
        let seat = {
            let mut seats = self.0.lock();
            let seats = seats.as_mut()?;
            let at = seats.iter().position(|seat| seat.namespace.as_str() == namespace)?;
            let seat = seats.swap_remove(at);
            count(&seat, seat.session.transport(), -1);
            seat
        };
        give_up(&seat, departure);
        Some(seat)
    }

    /// Gives up all seats, and takes none any more.
    pub(crate) fn empty(&self, departure: Departure) {
        let seats = {
            let mut held = self.0.lock();
            let seats = held.take().unwrap_or_default();
            for seat in &seats {
                count(seat, seat.session.transport(), -1);
            }
            seats
        };
        for seat in &seats {
            give_up(seat, departure);
        }
    }

    /// Lets `change` put the session on its WebSocket, and moves the count of seats with it: no seat
    /// comes or goes meanwhile. Gives what `change` says.
    pub(crate) fn upgrade(&self, change: impl FnOnce() -> bool) -> bool {
        let seats = self.0.lock();
        let changed = change();
        for seat in seats.iter().flatten().filter(|_| changed) {
            count(seat, Transport::Polling, -1);
            count(seat, Transport::WebSocket, 1);
        }
        changed
    }

    /// What tells each seat that the server ends the connection, and when to come back.
    pub(crate) fn farewells(
        &self,
        dialect: Dialect,
        departure: Departure,
        reason: Option<&str>,
    ) -> Vec<Arc<Encoded>> {
        let farewell = |seat: &Arc<Seat>| farewell(dialect, &seat.namespace, departure, reason);
        self.all().iter().map(farewell).collect()
    }

    /// Puts `seat` out of its namespace for good, with a word of why.
    pub(crate) fn put_out(&self, seat: &Seat, departure: Departure, reason: Option<&str>) {
        let (session, namespace) = (&seat.session, &seat.namespace);
        let dialect = session.dialect;
        session.send(&farewell(dialect, namespace, departure, reason));
        let namespace = Str::copy_from_slice(namespace.as_str());
        session.send(&Encoded::packet(Packet::disconnect(namespace)));
        if let Some(seat) = self.remove(seat.namespace.as_str(), departure) {
            seat.let_go();
        }
    }
}

fn farewell(
    dialect: Dialect,
    namespace: &Namespace,
    departure: Departure,
    reason: Option<&str>,
) -> Arc<Encoded> {
    let retry_after_ms = departure.retry_after().as_millis();
    let reason = quoted(reason.unwrap_or(departure.label()));
    let json = format!("{{\"reason\":{reason},\"retry_after_ms\":{retry_after_ms}}}");
    // Stock clients since 4.7 (socket.io-parser 4.2.3) take an event named `disconnecting` for a broken
    // packet, and Engine.IO 4 does not tell which client speaks.
    let event = if dialect == Dialect::Engine4 { "departing" } else { "disconnecting" };
    frames_of::event(dialect, namespace, event, &json)
}

/// Counts `seat` in or out, under the lock of its session's seats.
fn count(seat: &Seat, transport: Transport, change: i64) {
    let session = &seat.session;
    session.shared.events.seats(transport, session.dialect, &seat.namespace, change);
}

fn give_up(seat: &Arc<Seat>, departure: Departure) {
    let shared = &seat.session.shared;
    uplink::disconnected(seat, departure);
    shared.hub.unlist(seat);
    login::give_up(seat);
    shared.waiters.gone(seat);
    while let Some(audience) = seat.places.leave_next() {
        if shared.hub.leave(seat, &audience) {
            shared.interest.leave(&audience);
        }
    }
}
