//! `POST /v1/emit`: what a backend sends, in its simplest form: to everyone, a user, a room or one
//! socket of a namespace.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use adapter::Published;
use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use notice::{
    Audience, Draft, EventName, Kind, NodeId, Notice, Origin, PAYLOAD_BYTES_MAX, Payload, Room,
    Scope, SocketId, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{asked, error::ApiError};
use crate::{
    answering, others,
    questions::{Answer, Question},
    shared::Shared,
};

/// The body, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow, default)]
    to: Option<To<'a>>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    event: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    args: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    scope: Scoped,
    #[serde(default)]
    ack: Option<asked::Wanted>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct To<'a> {
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(borrow, default)]
    room: Option<&'a RawValue>,
    #[serde(default)]
    socket: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Scoped {
    #[default]
    Cluster,
    Local,
}

/// `sockets` is only known for what stays on this node.
#[derive(Serialize)]
pub(super) struct Emitted {
    id: String,
    nodes: usize,
    sockets: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
}

pub(super) async fn emit(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (draft, scoped, ack) = read(&shared, &body)?;
    if let Some(wait) = ack {
        return asked::ask(&shared, draft, scoped == Scoped::Local, wait).await;
    }
    match draft.audience.scope.clone() {
        Scope::Socket(id) => to_socket(&shared, &id, draft, scoped).await,
        _ if scoped == Scoped::Local => Ok(to_this_node(&shared, draft).await),
        _ => to_all_nodes(&shared, draft).await,
    }
    .map(|emitted| Json(emitted).into_response())
}

fn read(shared: &Shared, body: &[u8]) -> Result<(Draft, Scoped, Option<Duration>), ApiError> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        if error.is_data() { ApiError::invalid(message) } else { ApiError::Malformed(message) }
    })?;
    let namespace = body.namespace.as_deref().unwrap_or("/");
    let known = shared.config.namespaces.iter().find(|known| known.as_str() == namespace);
    let namespace = known.cloned().ok_or_else(|| ApiError::Invalid {
        message: format!("namespace {namespace:?} is not served here"),
        hint: Some("public.namespaces lists those that are"),
    })?;
    let scope = scope(body.to.unwrap_or_default())?;
    let event = event(body.event.as_deref(), &scope)?;
    let payload = payload(body.data, body.args)?;
    let draft = Draft {
        audience: Audience { namespace, scope },
        event,
        payload,
        kind: Kind::Plain,
        origin: Origin::Backend,
        handed_in: SystemTime::now(),
    };
    let ack = body.ack.map(asked::Wanted::wait).transpose()?;
    Ok((draft, body.scope, ack))
}

fn scope(to: To<'_>) -> Result<Scope, ApiError> {
    let bad = |error: notice::NameError| ApiError::invalid(format!("to: {error}"));
    match (to.user, to.room, to.socket) {
        (None, None, None) => Ok(Scope::Everyone),
        (Some(user), None, None) => UserId::new(&name(user)?).map(Scope::User).map_err(bad),
        (None, Some(room), None) => Room::new(&name(room)?).map(Scope::Room).map_err(bad),
        (None, None, Some(socket)) => SocketId::new(&socket).map(Scope::Socket).map_err(bad),
        _ => Err(ApiError::invalid("to: names one of user, room, socket")),
    }
}

/// A string, or a number as it is written.
pub(super) fn name(json: &RawValue) -> Result<String, ApiError> {
    match json.get().as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Ok(json.get().to_owned()),
        _ => serde_json::from_str(json.get())
            .map_err(|_| ApiError::invalid("a name is a string or a number")),
    }
}

fn event(name: Option<&str>, scope: &Scope) -> Result<Option<EventName>, ApiError> {
    match (name, scope) {
        (None, Scope::Socket(_)) => Ok(None),
        (None, _) => Err(ApiError::invalid("event is missing; only one socket may do without")),
        (Some(name), _) => {
            EventName::new(name).map(Some).map_err(|error| ApiError::invalid(error.to_string()))
        }
    }
}

fn payload(data: Option<&RawValue>, args: Option<Vec<Box<RawValue>>>) -> Result<Payload, ApiError> {
    let payload = match (data, args) {
        (Some(_), Some(_)) => return Err(ApiError::invalid("data and args exclude each other")),
        (Some(data), None) => Payload::one(data),
        (None, args) => Payload::several(&args.unwrap_or_default(), Vec::new()),
    };
    if payload.len_bytes() > PAYLOAD_BYTES_MAX { Err(ApiError::TooLarge) } else { Ok(payload) }
}

/// A socket of this node is found without the bus; another's node numbers the notice.
async fn to_socket(
    shared: &Shared,
    id: &SocketId,
    draft: Draft,
    scoped: Scoped,
) -> Result<Emitted, ApiError> {
    let question = Question::Emit(answering::emit(id, &draft));
    if let Some((id, sockets)) = answering::send(shared, id, draft) {
        return Ok(Emitted::by(&shared.config.node, id, sockets));
    }
    if scoped == Scoped::Local {
        return Err(ApiError::UnknownSocket);
    }
    let asked = others::ask_home(shared, id, &question).await;
    match asked.map_err(|error| ApiError::nodes(shared, &error))? {
        Some((node, Some(Answer::Sent { id, sockets }))) => Ok(Emitted::by(&node, id, sockets)),
        None | Some((_, Some(Answer::NotHere))) => Err(ApiError::UnknownSocket),
        Some((node, _)) => Err(ApiError::Silent { node: node.to_string() }),
    }
}

async fn to_this_node(shared: &Shared, draft: Draft) -> Emitted {
    let position = shared.local_id(draft.audience.clone()).position;
    let notice = Arc::new(Notice { draft, position });
    let sockets = shared.hub.deliver(&notice, &shared.events).await;
    Emitted::by(&shared.config.node, notice.id().to_string(), sockets)
}

async fn to_all_nodes(shared: &Shared, draft: Draft) -> Result<Emitted, ApiError> {
    match shared.publisher.publish(draft).await {
        Ok(Published::Accepted { id, nodes }) => {
            Ok(Emitted { id: id.to_string(), nodes, sockets: None, node: None })
        }
        Ok(Published::Superseded | Published::AfterFinal) => {
            Err(ApiError::invalid("the notice was older than what its audience has seen"))
        }
        // Only progress is early, and an emit is plain.
        Ok(Published::Early { .. }) => Err(ApiError::Unavailable),
        Err(error) if error.is_transient() => Err(ApiError::Unavailable),
        Err(error) => Err(ApiError::invalid(error.to_string())),
    }
}

impl Emitted {
    fn by(node: &NodeId, id: String, sockets: usize) -> Self {
        Self { id, nodes: 1, sockets: Some(sockets), node: Some(node.to_string()) }
    }
}
