//! Who sits on this node: its sockets and its rooms, listed within bounds.

use std::{sync::Arc, time::UNIX_EPOCH};

use notice::{Room, Scope, UserId};
use serde::Serialize;
use serde_json::value::to_raw_value;

use crate::{
    questions::{Counted, Listed, Rooms, Which},
    seat::Seat,
    shared::Shared,
};

/// What one node lists at most: less than what one answer between nodes may weigh.
const LIST_BYTES_MAX: usize = 3 * 1024 * 1024;

/// After how many sessions a listing lets others run.
const PART_LEN: usize = 512;

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

/// The seats that fit all that is asked.
pub(crate) async fn sockets(shared: &Shared, which: &Which) -> Listed {
    let room = which.room.as_deref().map(Room::new);
    let Ok(room) = room.transpose() else { return Listed::default() };
    let (mut listed, mut len_bytes) = (Listed::default(), 0);
    for (at, session) in shared.sessions.all().into_iter().enumerate() {
        if at % PART_LEN == PART_LEN - 1 {
            tokio::task::yield_now().await;
        }
        for seat in session.seats.all() {
            if !fits(&seat, which, room.as_ref()) {
                continue;
            }
            let json = to_raw_value(&socket(&seat)).expect("texts and numbers are JSON");
            len_bytes += json.get().len();
            if listed.sockets.len() >= which.len_max || len_bytes > LIST_BYTES_MAX {
                listed.more = true;
                return listed;
            }
            listed.sockets.push(json);
        }
    }
    listed
}

/// The members of each room, in the order of namespaces and rooms.
pub(crate) fn rooms(shared: &Shared, which: &Rooms) -> Counted {
    let mut rooms = shared.hub.rooms(which.namespace.as_deref());
    rooms.sort_unstable();
    let (mut counted, mut len_bytes) = (Counted::default(), 0);
    for (namespace, room, count) in rooms {
        len_bytes += namespace.as_str().len() + room.as_str().len() + 16;
        if counted.rooms.len() >= which.len_max || len_bytes > LIST_BYTES_MAX {
            counted.more = true;
            break;
        }
        counted.rooms.push((namespace.to_string(), room.to_string(), count));
    }
    counted
}

fn fits(seat: &Arc<Seat>, which: &Which, room: Option<&Room>) -> bool {
    let user = seat.user.as_ref().map(UserId::as_str);
    let in_room = |room: &Room| {
        let scope = Scope::Room(room.clone());
        seat.places.audiences().iter().any(|place| place.scope == scope)
    };
    which.namespace.as_ref().is_none_or(|name| name == seat.namespace.as_str())
        && which.user.as_ref().is_none_or(|name| Some(name.as_str()) == user)
        && room.is_none_or(in_room)
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
