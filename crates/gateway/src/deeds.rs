//! What a backend does with sockets of this node: lets them join and leave rooms, and puts them out.

use std::sync::Arc;

use notice::{Audience, NameError, Namespace, Room, Scope, SocketId, UserId};

use crate::{
    departure::Departure,
    login,
    questions::{Deed, Order, Who},
    seat::Seat,
    shared::Shared,
    socket, uplink,
};

/// What became of an order on this node.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// Done with so many sockets.
    Done(usize),
    /// The one socket that was named is not here.
    NotHere,
    /// The bus did not answer when a room was joined.
    Unable,
}

/// Fails when a name in the order is none.
pub(crate) async fn carry_out(shared: &Shared, order: &Order) -> Result<Outcome, NameError> {
    let namespace = Namespace::new(&order.namespace)?;
    let seats = seats(shared, &namespace, &order.who)?;
    if seats.is_empty() && matches!(order.who, Who::Socket(_)) {
        return Ok(Outcome::NotHere);
    }
    let is_done = match &order.deed {
        Deed::Join { rooms } => join(shared, &seats, &audiences(&namespace, rooms)?).await,
        Deed::Leave { rooms } => {
            leave(shared, &seats, &audiences(&namespace, rooms)?).await;
            true
        }
        Deed::Disconnect { close, reason } => {
            put_out(shared, &seats, *close, reason.as_deref());
            true
        }
    };
    Ok(if is_done { Outcome::Done(seats.len()) } else { Outcome::Unable })
}

fn seats(shared: &Shared, namespace: &Namespace, who: &Who) -> Result<Vec<Arc<Seat>>, NameError> {
    let scope = match who {
        Who::Socket(id) => {
            let found = shared.hub.socket(namespace, &SocketId::new(id)?);
            return Ok(found.into_iter().collect());
        }
        Who::User(user) => Scope::User(UserId::new(user)?),
        Who::Room(room) => Scope::Room(Room::new(room)?),
    };
    let members = shared.hub.members(&Audience { namespace: namespace.clone(), scope });
    Ok(members.map(|members| members.to_vec()).unwrap_or_default())
}

fn audiences(namespace: &Namespace, rooms: &[String]) -> Result<Vec<Audience>, NameError> {
    let audience = |room: &String| {
        let scope = Scope::Room(Room::new(room)?);
        Ok(Audience { namespace: namespace.clone(), scope })
    };
    rooms.iter().map(audience).collect()
}

async fn join(shared: &Shared, seats: &[Arc<Seat>], audiences: &[Audience]) -> bool {
    for seat in seats {
        for audience in audiences {
            if let Err(error) = socket::join(shared, seat, audience).await {
                shared.events.store_away(&error);
                return false;
            }
        }
    }
    true
}

async fn leave(shared: &Shared, seats: &[Arc<Seat>], audiences: &[Audience]) {
    for seat in seats {
        for audience in audiences {
            leave_one(shared, seat, audience).await;
        }
    }
}

async fn leave_one(shared: &Shared, seat: &Arc<Seat>, audience: &Audience) {
    if login::is_held(audience) {
        login::leave(seat, audience).await;
    } else if shared.hub.leave(seat, audience) {
        shared.interest.leave(audience);
        uplink::left(seat, audience);
    }
}

fn put_out(shared: &Shared, seats: &[Arc<Seat>], close: bool, reason: Option<&str>) {
    for seat in seats {
        let session = &seat.session;
        // A plain client has one namespace, and no packet to leave it by.
        if close || !session.dialect.is_engine() {
            session.leave_saying(Departure::Kicked, reason);
        } else {
            session.seats.put_out(seat, reason);
            shared.events.put_out(session.address);
        }
    }
}
