//! `GET /v1/sockets`: who sits on this node.

use std::{sync::Arc, time::UNIX_EPOCH};

use axum::{
    Json,
    extract::{Query, State},
};
use notice::{Room, Scope, UserId};
use serde::{Deserialize, Serialize};

use crate::{seat::Seat, shared::Shared};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    room: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Listing {
    sockets: Vec<Socket>,
}

/// One seat. `connected_at` is in milliseconds since the Unix epoch.
#[derive(Serialize)]
struct Socket {
    id: String,
    user: Option<String>,
    node: String,
    namespace: String,
    rooms: Vec<String>,
    protocol: &'static str,
    transport: &'static str,
    address: String,
    connected_at: u64,
    queued_bytes: usize,
}

/// The seats that fit all that was asked.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(which): Query<Which>,
) -> Json<Listing> {
    let mut sockets = Vec::new();
    for session in shared.sessions.all() {
        let seats = session.seats.all();
        sockets.extend(seats.iter().filter(|seat| which.fits(seat)).map(|seat| socket(seat)));
    }
    Json(Listing { sockets })
}

impl Which {
    fn fits(&self, seat: &Seat) -> bool {
        let user = seat.user.as_ref().map(UserId::as_str);
        let in_room = |room: &String| {
            let Ok(room) = Room::new(room) else { return false };
            seat.places.audiences().iter().any(|place| place.scope == Scope::Room(room.clone()))
        };
        self.namespace.as_ref().is_none_or(|name| name == seat.namespace.as_str())
            && self.user.as_ref().is_none_or(|name| Some(name.as_str()) == user)
            && self.room.as_ref().is_none_or(in_room)
    }
}

fn socket(seat: &Seat) -> Socket {
    let session = &seat.session;
    let connected_at = session.opened_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Socket {
        id: seat.id.as_str().to_owned(),
        user: seat.user.as_ref().map(|user| user.as_str().to_owned()),
        node: session.shared.config.node.as_str().to_owned(),
        namespace: seat.namespace.as_str().to_owned(),
        rooms: seat.rooms().iter().map(|room| room.as_str().to_owned()).collect(),
        protocol: session.dialect.label(),
        transport: session.transport().label(),
        address: session.address.to_string(),
        connected_at: u64::try_from(connected_at.as_millis()).unwrap_or(u64::MAX),
        queued_bytes: session.queued_bytes(),
    }
}
