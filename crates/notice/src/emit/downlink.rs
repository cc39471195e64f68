//! The envelope that older backends send: `{"ROOT":{"BODY":{"roomId"?,"eventName","data"}}}`. What it
//! says is an emit to `/` or one of its rooms.
//!
//! Other keys pass unread: such envelopes carry headers of other systems.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    EmitError,
    body::{id_text, object, text},
    checked, sized,
};
use crate::{
    audience::{Audience, Scope},
    draft::{Draft, Kind, Origin},
    event::EventName,
    names::{Namespace, Room},
};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "ROOT", borrow, default)]
    root: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(rename = "BODY", borrow, default)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow, default)]
    room_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    event_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

pub(super) fn read(json: &[u8], handed_in: SystemTime) -> Result<Draft, EmitError> {
    let missing = |field| EmitError::field(field, "nothing", "an object");
    let Envelope { root } = object("the body", checked(json)?)?;
    let Root { body } = object("ROOT", root.ok_or_else(|| missing("ROOT"))?)?;
    let body = body.ok_or_else(|| missing("ROOT.BODY"))?;
    let Body { room_id, event_name, data } = object("ROOT.BODY", body)?;
    let event = event_name.ok_or_else(|| EmitError::field("eventName", "nothing", "a string"))?;
    Ok(Draft {
        audience: Audience { namespace: Namespace::root(), scope: scope(room_id)? },
        narrowing: None,
        event: Some(EventName::new(&text("eventName", event)?)?),
        payload: sized(data.map_or("null", RawValue::get).to_owned(), Vec::new())?,
        kind: Kind::Plain,
        origin: Origin::Backend,
        handed_in,
        trace: None,
    })
}

fn scope(room_id: Option<&RawValue>) -> Result<Scope, EmitError> {
    let Some(given) = room_id else { return Ok(Scope::Everyone) };
    let field = "roomId";
    let room = Room::new(&id_text(field, given)?);
    room.map(Scope::Room).map_err(|cause| EmitError::Name { field, cause })
}
