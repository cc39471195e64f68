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
    events::{Dropped, Recovered},
    login::{self, Fault},
    recovery::{self, Claim, Trail},
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
    claim: Option<Claim>,
    welcome: impl FnOnce(&Arc<Seat>),
) -> Result<Option<Arc<Seat>>, Refusal> {
    let events = &session.shared.events;
    let resumption = match claim {
        Some(claim) => claim.resume(session, &admitted).await,
        None => None,
    };
    let trail = |resumption| recovery::trail(session, resumption);
    let sat_down = match &resumption {
        None => sit_down(session, &admitted, trail(None)).await,
        Some(_) => match sit_down(session, &admitted, trail(resumption.as_ref())).await {
            Err(_) => {
                events.recovered(Recovered::NotJoined);
                sit_down(session, &admitted, trail(None)).await
            }
            sat_down => {
                events.recovered(Recovered::Yes);
                sat_down
            }
        },
    };
    let Some(seat) = sat_down? else { return Ok(None) };
    session.answered();
    welcome(&seat);
    seat.go_live();
    seat.pass.watch(&seat);
    events.seated(admitted.since.elapsed());
    Ok(Some(seat))
}

/// Takes a seat, and has it hear all that it should. It is not welcomed yet.
async fn sit_down(
    session: &Arc<Session>,
    admitted: &Admitted,
    trail: Option<Box<Trail>>,
) -> Result<Option<Arc<Seat>>, Refusal> {
    let shared = &session.shared;
    let Admitted { namespace, identity, grant, .. } = admitted.clone();
    let Identity { user, room, since } = identity;
    let seat = Seat::new(session, namespace, user, since, grant, trail);
    if !session.seats.add(&seat) {
        return Ok(None);
    }
    let entered = match enter(shared, &seat, room.map(Scope::Room)).await {
        // Revoked while it sat down, where nobody looked for it.
        Ok(()) if seat.pass.is_revoked(&shared.gate) => Err(Some(Refusal::Denied(Denial::Revoked))),
        entered => entered,
    };
    match entered {
        Ok(()) => {
            seat.hold().await;
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
    if let Some(seat) = session.seats.remove(namespace, Departure::Client) {
        seat.let_go();
    }
}

/// Enters the seat's audiences. `None` as the error: it has left.
async fn enter(
    shared: &Shared,
    seat: &Arc<Seat>,
    room: Option<Scope>,
) -> Result<(), Option<Refusal>> {
    for (audience, alone) in seat.trail.iter().flat_map(|trail| trail.places()) {
        let joined = join_as(shared, seat, &audience, alone).await;
        joined.map_err(|why| refusal(why, &audience))?;
    }
    let user = seat.user.clone().map(Scope::User);
    for scope in [Some(Scope::Everyone), user, room].into_iter().flatten() {
        let audience = seat.audience(scope);
        join_as(shared, seat, &audience, false).await.map_err(|why| refusal(why, &audience))?;
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
    join_as(shared, seat, audience, false).await?;
    seat.hold().await;
    Ok(())
}

/// The same, `alone` where it must not be beside anybody. What the store holds of the seat is not changed.
async fn join_as(
    shared: &Shared,
    seat: &Arc<Seat>,
    audience: &Audience,
    alone: bool,
) -> Result<(), NotJoined> {
    if login::is_held(audience) {
        return login::join(seat, audience, alone).await.map_err(NotJoined::from);
    }
    hear(shared, seat, audience).await
}

/// The same, whoever is logged in there.
pub(crate) async fn hear(
    shared: &Shared,
    seat: &Arc<Seat>,
    audience: &Audience,
) -> Result<(), NotJoined> {
    let standing = seat.standing(audience).await.map_err(|error| not_joined(shared, &error))?;
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
    let owed = match &replay {
        Some(replay) => replay.read().await,
        None => Ok(standing),
    };
    match owed {
        Ok(owed) => {
            seat.note(audience, owed, false);
            Ok(())
        }
        Err(error) => {
            end_membership(seat, audience);
            Err(not_joined(shared, &error))
        }
    }
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
