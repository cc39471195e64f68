//! Taking a seat in a namespace, without a gap and without a double.
//!
//! The seat holds back all that the bus brings until it has joined its audiences and its client is welcomed;
//! what it missed of them comes first (`seat/replay.rs`).

use std::sync::Arc;

use adapter::BusError;
use auth::Denial;
use notice::{Audience, Scope};

use super::{admission::Admitted, identity::Identity};
use crate::{
    departure::Departure,
    engine::Session,
    events::{Dropped, Handshake},
    login::{self, Fault},
    refusal::Refusal,
    seat::{Entry, Replay, Seat},
    shared::Shared,
    uplink,
};

/// Why a seat is no member. Whoever found out has said so in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotJoined {
    /// It has left.
    Gone,
    /// The seat is in as many rooms as it may be, or the room or the bus takes no more.
    Full,
    /// Its user has as many sockets as it may have.
    Crowded,
    /// The bus did not answer.
    Away,
}

impl From<Fault> for NotJoined {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Gone => Self::Gone,
            Fault::Full | Fault::TooManyRooms => Self::Full,
            _ => Self::Away,
        }
    }
}

fn not_joined(shared: &Shared, error: &BusError) -> NotJoined {
    shared.events.store_away(error);
    if matches!(error, BusError::Full { .. }) { NotJoined::Full } else { NotJoined::Away }
}

/// Seats `session` where it was admitted. `welcome` sends what must come before the first notice. `None`:
/// the session sits there already, or has left meanwhile.
pub(crate) async fn connect(
    session: &Arc<Session>,
    admitted: Admitted,
    welcome: impl FnOnce(&Arc<Seat>),
) -> Result<Option<Arc<Seat>>, Refusal> {
    let shared = &session.shared;
    let Admitted { namespace, identity, grant } = admitted;
    let Identity { user, room, since } = identity;
    let seat = Seat::new(session, namespace, user, since, grant);
    if !session.seats.add(&seat) {
        return Ok(None);
    }
    match enter(shared, &seat, room.map(Scope::Room)).await {
        // Revoked while it sat down, where nobody looked for it.
        Ok(()) if seat.pass.is_revoked(&shared.gate) => {
            let refusal = Refusal::Denied(Denial::Revoked);
            session.seats.remove(seat.namespace.as_str(), refusal.departure());
            Err(refusal)
        }
        Ok(()) => {
            session.answered();
            welcome(&seat);
            seat.go_live();
            seat.pass.watch(&seat);
            shared.events.handshake(Handshake::Seated);
            Ok(Some(seat))
        }
        Err(None) => Ok(None),
        Err(Some(refusal)) => {
            session.seats.remove(seat.namespace.as_str(), refusal.departure());
            Err(refusal)
        }
    }
}

/// Gives up the seat in `namespace`, as the client asked.
pub(crate) fn leave(session: &Session, namespace: &str) {
    session.seats.remove(namespace, Departure::Client);
}

/// Enters the seat's audiences. `None` as the error: it has left.
async fn enter(
    shared: &Shared,
    seat: &Arc<Seat>,
    room: Option<Scope>,
) -> Result<(), Option<Refusal>> {
    let user = seat.user.clone().map(Scope::User);
    for scope in [Some(Scope::Everyone), user, room].into_iter().flatten() {
        let audience = seat.audience(scope);
        join(shared, seat, &audience).await.map_err(|why| refusal(why, &audience))?;
    }
    Ok(())
}

/// Who is told that a room is full stops trying; of what else is full here, another node may have more. `None`: it
/// has left.
fn refusal(why: NotJoined, audience: &Audience) -> Option<Refusal> {
    match (why, &audience.scope) {
        (NotJoined::Gone, _) => None,
        (NotJoined::Crowded, _) => Some(Refusal::TooManySockets),
        (NotJoined::Full, Scope::Room(_)) => Some(Refusal::RoomFull),
        (NotJoined::Full | NotJoined::Away, _) => Some(Refusal::StoreAway),
    }
}

/// Makes `seat` a member; when this has returned, it hears what its audience is sent, and has what it missed
/// of it or gets that with its welcome. In a room of `/` it is logged in beside everybody.
///
/// Not cancellation-safe: dropped half-way, it is a member of whom the bus may not know.
pub(crate) async fn join(
    shared: &Shared,
    seat: &Arc<Seat>,
    audience: &Audience,
) -> Result<(), NotJoined> {
    if login::is_held(audience) {
        return login::join(seat, audience).await.map_err(NotJoined::from);
    }
    hear(shared, seat, audience).await
}

/// The same, whoever is logged in there.
pub(crate) async fn hear(
    shared: &Shared,
    seat: &Arc<Seat>,
    audience: &Audience,
) -> Result<(), NotJoined> {
    let replay = Replay::of(seat, audience);
    match shared.hub.join(seat, audience) {
        Entry::Added => {}
        Entry::There => return Ok(()),
        Entry::Full => {
            shared.events.dropped(Dropped::RoomsFull);
            return Err(NotJoined::Full);
        }
        Entry::Crowded => return Err(NotJoined::Crowded),
        Entry::Left => return Err(NotJoined::Gone),
    }
    if let Err(error) = shared.interest.enter(audience).await {
        shared.hub.leave(seat, audience);
        return Err(not_joined(shared, &error));
    }
    if !seat.places.entered(audience) {
        // It left while the bus was asked.
        shared.interest.leave(audience);
        return Err(NotJoined::Gone);
    }
    uplink::joined(seat, audience);
    if let Some(replay) = &replay
        && let Err(error) = replay.read().await
    {
        end_membership(seat, audience);
        return Err(not_joined(shared, &error));
    }
    Ok(())
}

/// Ends a membership that is not a login.
pub(crate) fn end_membership(seat: &Arc<Seat>, audience: &Audience) {
    let shared = &seat.session.shared;
    if shared.hub.leave(seat, audience) {
        shared.interest.leave(audience);
        seat.forget(audience);
        uplink::left(seat, audience);
    }
}
