//! What a client says to a room that it is in, on its way to the room's other members: only where the
//! settings name the room.
//!
//! May enter: the event `relay` with a room, an event and its arguments. May not enter: events under a name
//! of the client's choice: what arrives is always called `relay`, so nobody can speak as the server.

mod attached;

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use adapter::Published;
use notice::{Audience, Draft, EventName, Kind, Narrowing, NoticeId, Origin, Payload, Room, Scope};
use serde_json::value::RawValue;

use crate::{
    forms::quoted,
    seat::Seat,
    socket::{Call, text},
    uplink::{AWAY, Reason, TOO_LARGE},
};

/// What a client says, and what the others hear.
pub(crate) const EVENT: &str = "relay";

const MALFORMED: Reason =
    Reason { code: "malformed", message: "relay takes a room, an event and its arguments" };
const UNFIT: Reason =
    Reason { code: "malformed", message: "more than 10 attachments, or a placeholder of none" };
/// The same for a room that is not named and for one that it is not in.
const NOT_ALLOWED: Reason =
    Reason { code: "not_allowed", message: "this socket may not relay to this room" };

/// The name under which others know a seat that relays: they may not know its id, by which an Engine.IO 3
/// session could be taken over. A few bytes until it first relays.
#[derive(Debug, Default)]
pub(crate) struct Alias(OnceLock<u64>);

impl Alias {
    fn name(&self) -> String {
        format!("{:016x}", self.0.get_or_init(rand::random::<u64>))
    }
}

/// Hands the event to the room, on all nodes. In the order in which one seat says it.
pub(crate) async fn relay(seat: &Seat, call: &Call) -> Result<NoticeId, Reason> {
    let list = format!("[{}]", call.args);
    let args: Vec<&RawValue> = serde_json::from_str(&list).map_err(|_| MALFORMED)?;
    let [room, event, args @ ..] = args.as_slice() else { return Err(MALFORMED) };
    let room = word(room).and_then(|room| Room::new(&room).ok()).ok_or(MALFORMED)?;
    let event = word(event).and_then(|event| EventName::new(&event).ok()).ok_or(MALFORMED)?;
    let audience = seat.audience(Scope::Room(room.clone()));
    let allowed = &seat.session.shared.config.uplink.relay;
    if !allowed.cover(&room) || !seat.places.audiences().contains(&audience) {
        return Err(NOT_ALLOWED);
    }
    if !attached::fit(&call.args, call.attachments.len()) {
        return Err(UNFIT);
    }
    let mut said = head(seat, &room, &event);
    for arg in args {
        said.push(',');
        said.push_str(arg.get());
    }
    let payload = Payload::joined(said.into(), call.attachments.clone());
    publish(seat, audience, payload.expect("a text is a text")).await
}

async fn publish(seat: &Seat, audience: Audience, payload: Payload) -> Result<NoticeId, Reason> {
    let others = Narrowing { except_sockets: vec![seat.id.clone()], ..Narrowing::default() };
    let publisher = &seat.session.shared.publisher;
    let mut draft = Draft {
        audience,
        narrowing: Some(Arc::new(others)),
        event: Some(EventName::new(EVENT).expect("it is short and not reserved")),
        payload,
        kind: Kind::Plain,
        origin: Origin::Backend,
        handed_in: SystemTime::now(),
        trace: None,
    };
    if publisher.keeps(&draft) {
        // Only the speaker is left out, which may hear its own words when it comes back.
        draft.kind = Kind::Kept;
    }
    match publisher.publish(draft).await {
        Ok(Published::Accepted { id, .. }) => Ok(id),
        Err(adapter::PublishError::TooLarge { .. }) => Err(TOO_LARGE),
        // Of a plain notice nothing else is said; the bus has counted it.
        Ok(_) | Err(_) => Err(AWAY),
    }
}

/// Who says it, of which the node is sure, and what it is.
fn head(seat: &Seat, room: &Room, event: &EventName) -> String {
    let from = seat.alias.name();
    let user = seat.user.as_ref().map_or_else(|| "null".into(), |user| quoted(user.as_str()));
    let (room, event) = (quoted(room.as_str()), quoted(event.as_str()));
    format!("{{\"from\":\"{from}\",\"user\":{user},\"room\":{room},\"event\":{event}}}")
}

fn word(json: &RawValue) -> Option<String> {
    text(Some(json)).ok()?.map(Cow::into_owned)
}
