//! `POST /v1/sockets/disconnect`, `/join` and `/leave`: what a backend does with sockets of the cluster.

use std::{num::NonZeroUsize, sync::Arc};

use axum::{Json, body::Bytes, extract::State};
use notice::{Namespace, Room, SocketId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    bounds::{check_reason, check_rooms},
    emit::name,
    error::ApiError,
};
use crate::{
    engine::Ids,
    others::{self, Others},
    questions::{Answer, Deed, Done, Order, Question, Who},
    shared::Shared,
};

/// Whose sockets, and what else each call takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(default)]
    socket: Option<String>,
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(borrow, default)]
    room: Option<&'a RawValue>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    rooms: Option<Vec<String>>,
    #[serde(default)]
    close: Option<bool>,
    #[serde(default)]
    reason: Option<String>,
}

/// What became of an order.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    sockets: usize,
    /// So many stayed out of a room, because it is full or they are in as many as they may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    full: Option<NonZeroUsize>,
    /// Living nodes of which it is not known whether they did their part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

pub(super) async fn join(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Told>, ApiError> {
    let order = with_rooms(&shared, &body, |rooms| Deed::Join { rooms })?;
    carry_out(&shared, order).await
}

pub(super) async fn leave(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Told>, ApiError> {
    let order = with_rooms(&shared, &body, |rooms| Deed::Leave { rooms })?;
    carry_out(&shared, order).await
}

pub(super) async fn disconnect(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Told>, ApiError> {
    let body = read(&body)?;
    if body.rooms.is_some() {
        return Err(ApiError::invalid("rooms: not for disconnect"));
    }
    check_reason(body.reason.as_deref())?;
    let deed =
        Deed::Disconnect { close: body.close.unwrap_or_default(), reason: body.reason.clone() };
    let order = Order { namespace: namespace(&shared, &body)?, who: who(&body)?, deed };
    carry_out(&shared, order).await
}

fn with_rooms(
    shared: &Shared,
    body: &[u8],
    deed: impl FnOnce(Vec<String>) -> Deed,
) -> Result<Order, ApiError> {
    let body = read(body)?;
    if body.close.is_some() || body.reason.is_some() {
        return Err(ApiError::invalid("close and reason: only for disconnect"));
    }
    let rooms = body.rooms.clone().unwrap_or_default();
    check_rooms(&rooms)?;
    let (namespace, who) = (namespace(shared, &body)?, who(&body)?);
    Ok(Order { namespace, who, deed: deed(rooms) })
}

fn read(body: &[u8]) -> Result<Body<'_>, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::unread(&error))
}

fn namespace(shared: &Shared, body: &Body<'_>) -> Result<String, ApiError> {
    let namespace = body.namespace.as_deref().unwrap_or("/");
    if shared.config.namespaces.iter().any(|known| known.as_str() == namespace) {
        return Ok(namespace.to_owned());
    }
    Err(ApiError::Invalid {
        message: format!("namespace {namespace:?} is not served here"),
        hint: Some("public.namespaces lists those that are"),
    })
}

fn who(body: &Body<'_>) -> Result<Who, ApiError> {
    let bad = |error: notice::NameError| ApiError::invalid(error.to_string());
    match (&body.socket, body.user, body.room) {
        (Some(id), None, None) => {
            SocketId::new(id).map(|id| Who::Socket(id.to_string())).map_err(bad)
        }
        (None, Some(user), None) => {
            UserId::new(&name(user)?).map(|user| Who::User(user.to_string())).map_err(bad)
        }
        (None, None, Some(room)) => {
            Room::new(&name(room)?).map(|room| Who::Room(room.to_string())).map_err(bad)
        }
        _ => Err(ApiError::invalid("name one of socket, user, room")),
    }
}

async fn carry_out(shared: &Shared, order: Order) -> Result<Json<Told>, ApiError> {
    match &order.who {
        Who::Socket(id) => {
            let id = SocketId::new(id).expect("it was one when it was read");
            to_one(shared, &id, order).await
        }
        Who::User(_) | Who::Room(_) => to_all(shared, order).await,
    }
}

async fn to_one(shared: &Shared, id: &SocketId, order: Order) -> Result<Json<Told>, ApiError> {
    let me = &shared.config.node;
    let is_here = shared.recovery.is_some().then(|| is_here(shared, id, &order.namespace));
    let asked = if is_here.unwrap_or_else(|| Ids::is_of(me, id)) {
        Ok(Some((me.clone(), Some(shared.orders.carry_out(shared, order).await))))
    } else {
        others::ask_home(shared, id, &Question::Do(order)).await
    };
    match asked.map_err(|error| ApiError::nodes(shared, &error))? {
        None => Err(ApiError::UnknownSocket),
        Some((_, Some(answer))) => done(&answer).map(|done| Told::of(done, Vec::new())),
        Some((node, None)) => Err(ApiError::Silent { node: node.to_string() }),
    }
}

/// Where clients come back to any node, an id does not say where its socket is.
fn is_here(shared: &Shared, id: &SocketId, namespace: &str) -> bool {
    let namespace = Namespace::new(namespace).expect("it is one that is served");
    shared.hub.socket(&namespace, id).is_some()
}

/// This node does its part first, and waits for nobody to do it.
async fn to_all(shared: &Shared, order: Order) -> Result<Json<Told>, ApiError> {
    let mut sum = done(&shared.orders.carry_out(shared, order.clone()).await)?;
    let others = others::ask_all(shared, &Question::Do(order)).await;
    let Others { answers, missing } = others.map_err(|error| ApiError::nodes(shared, &error))?;
    for answer in answers {
        if let Answer::Done(there) = answer {
            sum.sockets += there.sockets;
            sum.full += there.full;
        }
    }
    Ok(Told::of(sum, missing))
}

fn done(answer: &Answer) -> Result<Done, ApiError> {
    match answer {
        Answer::Done(done) => Ok(*done),
        Answer::NotHere => Err(ApiError::UnknownSocket),
        Answer::Busy => Err(ApiError::OrdersFull),
        _ => Err(ApiError::Halfway),
    }
}

impl Told {
    fn of(Done { sockets, full }: Done, missing: Vec<String>) -> Json<Self> {
        Json(Self { sockets, full: NonZeroUsize::new(full), missing })
    }
}
