//! Whom an emit is for: `to` and `except`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    body::{given, id_text, list, object},
    error::EmitError,
};
use crate::{
    audience::Scope,
    names::{NameError, Room, SocketId, UserId},
    narrowing::Narrowing,
};

/// The most names in one list of rooms or sockets: each travels with the notice, and is looked up on
/// every node.
const NAMES_LEN_MAX: usize = 256;

/// One of these. None at all, or null, is a mistake and not everyone: a backend's variable was empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    user: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    room: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    rooms: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    socket: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Except<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    rooms: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    sockets: Option<&'a RawValue>,
}

/// One room is an audience of its own; several are everyone, narrowed.
pub(super) fn read(
    to: Option<&RawValue>,
    except: Option<&RawValue>,
) -> Result<(Scope, Narrowing), EmitError> {
    let mut narrowing = except.map(excepted).transpose()?.unwrap_or_default();
    let Some(to) = to else { return Ok((Scope::Everyone, narrowing)) };
    let To { user, room, rooms, socket } = object("to", to)?;
    let scope = match (user, room, rooms, socket) {
        (Some(user), None, None, None) => Scope::User(named("to.user", user, UserId::new)?),
        (None, Some(room), None, None) => Scope::Room(named("to.room", room, Room::new)?),
        (None, None, Some(rooms), None) => {
            let mut rooms = names("to.rooms", 1, rooms, Room::new)?;
            if rooms.len() > 1 {
                narrowing.rooms = rooms;
                Scope::Everyone
            } else {
                Scope::Room(rooms.remove(0))
            }
        }
        (None, None, None, Some(socket)) => {
            Scope::Socket(named("to.socket", socket, SocketId::new)?)
        }
        (None, None, None, None) => return Err(EmitError::field("to", "nobody", ONE)),
        _ => return Err(EmitError::field("to", "more than one kind", ONE)),
    };
    Ok((scope, narrowing))
}

const ONE: &str = "one of user, room, rooms, socket";

fn excepted(json: &RawValue) -> Result<Narrowing, EmitError> {
    let Except { rooms, sockets } = object("except", json)?;
    let rooms = rooms.map(|rooms| names("except.rooms", 0, rooms, Room::new));
    let sockets = sockets.map(|ids| names("except.sockets", 0, ids, SocketId::new));
    Ok(Narrowing {
        except_rooms: rooms.transpose()?.unwrap_or_default(),
        except_sockets: sockets.transpose()?.unwrap_or_default(),
        ..Narrowing::default()
    })
}

/// Each name once.
fn names<T: Ord>(
    field: &'static str,
    len_min: usize,
    json: &RawValue,
    new: fn(&str) -> Result<T, NameError>,
) -> Result<Vec<T>, EmitError> {
    let given: Vec<&RawValue> = list(field, json)?;
    let (len, len_max) = (given.len(), NAMES_LEN_MAX);
    if !(len_min..=len_max).contains(&len) {
        return Err(EmitError::Names { field, len, len_min, len_max });
    }
    let names = given.into_iter().map(|name| named(field, name, new));
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn named<T>(
    field: &'static str,
    json: &RawValue,
    new: fn(&str) -> Result<T, NameError>,
) -> Result<T, EmitError> {
    new(&id_text(field, json)?).map_err(|cause| EmitError::Name { field, cause })
}
