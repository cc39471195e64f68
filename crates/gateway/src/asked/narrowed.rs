//! A question's event together with those of its audience that it is for, as it goes between nodes.

use notice::{EventName, NameError, Narrowing, Room, SocketId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What is not known here is no question: it might leave somebody out.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Narrowed {
    event: Option<String>,
    rooms: Vec<String>,
    except_rooms: Vec<String>,
    except_sockets: Vec<String>,
}

impl Narrowed {
    pub(super) fn of(event: Option<&EventName>, narrowing: &Narrowing) -> Self {
        let rooms = |rooms: &[Room]| rooms.iter().map(Room::to_string).collect();
        Self {
            event: event.map(EventName::to_string),
            rooms: rooms(&narrowing.rooms),
            except_rooms: rooms(&narrowing.except_rooms),
            except_sockets: narrowing.except_sockets.iter().map(SocketId::to_string).collect(),
        }
    }

    pub(super) fn written(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }

    pub(super) fn read(json: &RawValue) -> Option<(Option<String>, Option<Narrowing>)> {
        let narrowed: Self = serde_json::from_str(json.get()).ok()?;
        let narrowing = narrowed.narrowing().ok()?;
        Some((narrowed.event, Some(narrowing)))
    }

    fn narrowing(&self) -> Result<Narrowing, NameError> {
        let rooms =
            |names: &[String]| names.iter().map(|room| Room::new(room)).collect::<Result<_, _>>();
        let sockets = self.except_sockets.iter().map(|socket| SocketId::new(socket));
        Ok(Narrowing {
            rooms: rooms(&self.rooms)?,
            except_rooms: rooms(&self.except_rooms)?,
            except_sockets: sockets.collect::<Result<_, _>>()?,
            ..Narrowing::default()
        })
    }
}
