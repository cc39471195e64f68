//! Taking a seat in a namespace, without a gap and without a double.
//!
//! The order that makes it so: the seat holds back what the bus brings → the bus confirms that it
//! brings everything from now on → the store is read → the snapshot is sent, then what was held back
//! and is newer → live.

use std::sync::Arc;

use adapter::{BusError, CatchUp, Since};
use notice::{Audience, Cursor, Namespace, Scope};

use super::identity::Identity;
use crate::{
    departure::Departure, engine::Session, events::Handshake, login, refusal::Refusal, seat::Seat,
    shared::Shared, uplink,
};

/// Seats `session` in `namespace`. `welcome` sends what must come before the first notice. `None`: the
/// session sits there already, or has left meanwhile.
pub(crate) async fn connect(
    session: &Arc<Session>,
    namespace: &str,
    identity: Identity,
    welcome: impl FnOnce(&Arc<Seat>),
) -> Result<Option<Arc<Seat>>, Refusal> {
    let shared = &session.shared;
    let namespace = admit(shared, namespace, &identity)?;
    let seat = Seat::new(session, namespace, identity.user);
    if !session.seats.add(&seat) {
        return Ok(None);
    }
    let room = identity.room.map(Scope::Room);
    match enter(shared, &seat, room, &identity.since).await {
        Ok(caught) => {
            session.answered();
            welcome(&seat);
            seat.go_live(caught);
            shared.events.handshake(Handshake::Seated);
            Ok(Some(seat))
        }
        Err(error) => {
            session.seats.remove(seat.namespace.as_str(), Departure::StoreAway);
            shared.events.store_away(&error);
            Err(Refusal::StoreAway)
        }
    }
}

/// Gives up the seat in `namespace`, as the client asked.
pub(crate) fn leave(session: &Session, namespace: &str) {
    session.seats.remove(namespace, Departure::Client);
}

/// Whether somebody of this identity may sit in the namespace of this name.
pub(crate) fn admit(
    shared: &Shared,
    name: &str,
    identity: &Identity,
) -> Result<Namespace, Refusal> {
    let known = shared.config.namespaces.iter().find(|namespace| namespace.as_str() == name);
    let namespace = known.cloned().ok_or(Refusal::UnknownNamespace)?;
    let Some(user) = &identity.user else {
        let required = name == Namespace::NOTICE;
        return if required { Err(Refusal::UserRequired) } else { Ok(namespace) };
    };
    let audience = Audience { namespace: namespace.clone(), scope: Scope::User(user.clone()) };
    let full = shared.hub.count(&audience) >= shared.config.limits.sockets_per_user;
    if full { Err(Refusal::TooManySockets) } else { Ok(namespace) }
}

/// Enters the seat's audiences, and reads what its user must be told.
async fn enter(
    shared: &Shared,
    seat: &Arc<Seat>,
    room: Option<Scope>,
    since: &Cursor,
) -> Result<Option<CatchUp>, BusError> {
    let user = seat.user.clone().map(Scope::User);
    for scope in [Some(Scope::Everyone), user, room].into_iter().flatten() {
        join(shared, seat, &seat.audience(scope)).await?;
    }
    let Some(user) = &seat.user else { return Ok(None) };
    if seat.namespace.as_str() != Namespace::NOTICE {
        return Ok(None);
    }
    let audience = Audience::tasks_of(user.clone());
    let window = Since::Window(shared.config.recovery_window);
    let since = since.position(&audience).map_or(window, Since::Position);
    shared.store.catch_up(&audience, since).await.map(Some)
}

/// Makes `seat` a member; when this has returned, it hears what its audience is sent. In a room of `/` it is
/// logged in beside everybody.
///
/// Not cancellation-safe: dropped half-way, it is a member of whom the bus may not know.
pub(crate) async fn join(
    shared: &Shared,
    seat: &Arc<Seat>,
    audience: &Audience,
) -> Result<(), BusError> {
    if login::is_held(audience) {
        let joined = login::join(seat, audience).await;
        return joined.map_err(|_fault| BusError::Unreachable { audience: audience.clone() });
    }
    if !shared.hub.join(seat, audience) {
        return Ok(());
    }
    if let Err(error) = shared.interest.enter(audience).await {
        shared.hub.leave(seat, audience);
        return Err(error);
    }
    if seat.places.entered(audience) {
        uplink::joined(seat, audience);
    } else {
        // It left while the bus was asked.
        shared.interest.leave(audience);
    }
    Ok(())
}
