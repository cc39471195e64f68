//! What a backend sends by the workers' road: the body of `POST /v1/emit`, in its simplest forms.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{error::MessageError, fields::Json};
use crate::{
    audience::{Audience, Scope},
    event::EventName,
    names::{NameError, Namespace, Room, UserId},
    payload::Payload,
};

/// The body, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow, default)]
    to: Option<To<'a>>,
    #[serde(default)]
    namespace: Option<String>,
    event: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    args: Option<Vec<Box<RawValue>>>,
    #[serde(borrow, default)]
    scope: Option<&'a RawValue>,
    #[serde(borrow, default)]
    except: Option<&'a RawValue>,
    #[serde(borrow, default)]
    binary: Option<&'a RawValue>,
    #[serde(borrow, default)]
    volatile: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ack: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct To<'a> {
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(borrow, default)]
    room: Option<&'a RawValue>,
    #[serde(borrow, default)]
    rooms: Option<&'a RawValue>,
    #[serde(borrow, default)]
    socket: Option<&'a RawValue>,
}

/// A checked emit, without its time.
pub(super) struct Emit {
    pub(super) audience: Audience,
    pub(super) event: EventName,
    pub(super) payload: Payload,
}

impl Emit {
    pub(super) fn read(json: &RawValue) -> Result<Self, MessageError> {
        let body: Body<'_> =
            serde_json::from_str(json.get()).map_err(|error| bad(error.to_string()))?;
        body.check_supported()?;
        let namespace = body.namespace.as_deref().unwrap_or("/");
        let namespace = Namespace::new(namespace).map_err(|error| bad(error.to_string()))?;
        let scope = scope(body.to.unwrap_or_default())?;
        let event = EventName::new(&body.event).map_err(|error| bad(error.to_string()))?;
        let payload = match (body.data, body.args) {
            (Some(_), Some(_)) => return Err(bad("both data and args".to_owned())),
            (Some(data), None) => Payload::one(data),
            (None, args) => Payload::several(&args.unwrap_or_default(), Vec::new()),
        };
        Ok(Self { audience: Audience { namespace, scope }, event, payload })
    }
}

impl Body<'_> {
    /// Refuses what takes an answer, or a choice of sockets that only the API makes.
    fn check_supported(&self) -> Result<(), MessageError> {
        let to = self.to.as_ref();
        let is_local = self.scope.is_some_and(|scope| scope.get() != "\"cluster\"");
        let named = [
            ("scope", self.scope.filter(|_| is_local)),
            ("except", self.except),
            ("binary", self.binary),
            ("volatile", self.volatile),
            ("ack", self.ack),
            ("to.rooms", to.and_then(|to| to.rooms)),
            ("to.socket", to.and_then(|to| to.socket)),
        ];
        let asked = named.into_iter().find(|(_, value)| value.is_some_and(|v| v.get() != "false"));
        asked.map_or(Ok(()), |(got, _)| Err(MessageError::EmitUnsupported { got }))
    }
}

fn scope(to: To<'_>) -> Result<Scope, MessageError> {
    let name = |error: NameError| bad(error.to_string());
    match (to.user, to.room) {
        (None, None) => Ok(Scope::Everyone),
        (Some(user), None) => UserId::new(&id(user)?).map(Scope::User).map_err(name),
        (None, Some(room)) => Room::new(&id(room)?).map(Scope::Room).map_err(name),
        (Some(_), Some(_)) => Err(bad("both a user and a room".to_owned())),
    }
}

/// A string, or a number as it is written.
fn id(json: &RawValue) -> Result<String, MessageError> {
    let json = Json::of(json);
    let text = json.id().ok_or_else(|| bad(format!("{} as an id", json.name())))?;
    Ok(text.into_owned())
}

fn bad(got: String) -> MessageError {
    MessageError::Emit { got }
}
