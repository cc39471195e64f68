//! For which members of its audience a notice is, in an envelope's header.

use std::borrow::Cow;

use notice::{NameError, Narrowing, Room, SocketId};
use serde::{Deserialize, Serialize};

/// What is not known here is refused: it might leave somebody out.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Only<'a> {
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    rooms: Vec<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    socket: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    except_rooms: Vec<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    except_sockets: Vec<Cow<'a, str>>,
}

impl<'a> Only<'a> {
    pub(super) fn of(narrowing: &'a Narrowing) -> Self {
        let Narrowing { rooms, socket, except_rooms, except_sockets } = narrowing;
        let names = |rooms: &'a [Room]| rooms.iter().map(|room| room.as_str().into()).collect();
        Self {
            rooms: names(rooms),
            socket: socket.as_ref().map(|socket| socket.as_str().into()),
            except_rooms: names(except_rooms),
            except_sockets: except_sockets.iter().map(|socket| socket.as_str().into()).collect(),
        }
    }

    pub(super) fn narrowing(self) -> Result<Narrowing, NameError> {
        let rooms = |names: &[Cow<'_, str>]| {
            names.iter().map(|room| Room::new(room)).collect::<Result<_, _>>()
        };
        let ids = self.except_sockets.iter().map(|socket| SocketId::new(socket));
        Ok(Narrowing {
            rooms: rooms(&self.rooms)?,
            socket: self.socket.map(|socket| SocketId::new(&socket)).transpose()?,
            except_rooms: rooms(&self.except_rooms)?,
            except_sockets: ids.collect::<Result<_, _>>()?,
        })
    }
}
