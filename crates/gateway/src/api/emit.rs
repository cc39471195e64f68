//! `POST /v1/emit`: what a backend sends to everyone, a user, rooms or one socket of a namespace. What
//! the body may say is read by `notice`, as for the workers' roads.

use std::{sync::Arc, time::SystemTime};

use adapter::SignalError;
use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use notice::{Draft, Emit, NodeId, Notice, Scope, SocketId, id_text};
use serde::Serialize;
use serde_json::value::RawValue;
use trace::{Emit as Span, Reach};

use super::{
    asked,
    error::ApiError,
    publication::{Parent, publish},
};
use crate::{answering, others, questions::Answer, shared::Shared};

/// `sockets` is only known for what stays on one node.
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
    parent: Parent,
    body: Bytes,
) -> Result<Response, ApiError> {
    let Emit { draft, is_local, ack } = Emit::read(&body, SystemTime::now())?;
    check_namespace(&shared, draft.audience.namespace.as_str())?;
    if let Some(wait) = ack {
        return asked::ask(&shared, draft, is_local, wait, parent).await;
    }
    let emitted = match draft.audience.scope.clone() {
        Scope::Socket(id) => {
            let span = parent.emit(&shared, Reach::Socket, &draft.audience);
            let trace = span.as_ref().map(|span| Box::new(span.trace()));
            let draft = Draft { trace, ..draft };
            told(span, to_socket(&shared, &id, draft, is_local).await)?
        }
        _ if is_local && shared.publisher.keeps(&draft) => return Err(kept()),
        _ if is_local => to_this_node(&shared, draft, parent).await,
        _ => {
            let (id, nodes) = publish(&shared, draft, parent).await?;
            Emitted { id, nodes, sockets: None, node: None }
        }
    };
    Ok(Json(emitted).into_response())
}

fn check_namespace(shared: &Shared, namespace: &str) -> Result<(), ApiError> {
    if shared.config.namespaces.iter().any(|known| known.as_str() == namespace) {
        return Ok(());
    }
    Err(ApiError::Invalid {
        message: format!("namespace {namespace:?} is not served here"),
        hint: Some("public.namespaces lists those that are"),
    })
}

/// A string, or a number as it is written.
pub(super) fn name(json: &RawValue) -> Result<String, ApiError> {
    Ok(id_text("a name", json)?.into_owned())
}

/// A socket of this node is found without the bus; another's node numbers the notice.
async fn to_socket(
    shared: &Shared,
    id: &SocketId,
    draft: Draft,
    is_local: bool,
) -> Result<Emitted, ApiError> {
    let question = answering::question(id, &draft);
    if let Some((id, sockets)) = answering::send(shared, id, draft) {
        return Ok(Emitted::by(&shared.config.node, id, sockets));
    }
    if is_local {
        return Err(ApiError::UnknownSocket);
    }
    let asked = others::ask_home(shared, id, &question).await;
    match asked.map_err(|error| unasked(shared, &error))? {
        Some((node, Some(Answer::Sent { id, sockets }))) => Ok(Emitted::by(&node, id, sockets)),
        None | Some((_, Some(Answer::NotHere))) => Err(ApiError::UnknownSocket),
        Some((node, _)) => Err(ApiError::Silent { node: node.to_string() }),
    }
}

/// The bus may have stopped answering before or after the socket's node was asked.
fn unasked(shared: &Shared, error: &SignalError) -> ApiError {
    shared.events.apart(error);
    match error {
        SignalError::Unreachable => ApiError::Unsure,
        _ => ApiError::Unavailable,
    }
}

async fn to_this_node(shared: &Shared, draft: Draft, parent: Parent) -> Emitted {
    let span = parent.emit(shared, Reach::Node, &draft.audience);
    let trace = span.as_ref().map(|span| Box::new(span.trace()));
    let draft = Draft { trace, ..draft };
    let position = shared.local_id(draft.audience.clone()).position;
    let notice = Arc::new(Notice { draft, position });
    let fan_out = shared.hub.fan_out(&notice);
    fan_out.time(&notice, &shared.config.node);
    fan_out.run(&shared.events).await;
    fan_out.ended(&shared.events);
    if let Some(span) = span {
        span.sent(fan_out.taken());
    }
    Emitted::by(&shared.config.node, notice.id().to_string(), fan_out.taken())
}

/// Ends the span as the caller is answered.
fn told(span: Option<Span>, answer: Result<Emitted, ApiError>) -> Result<Emitted, ApiError> {
    match (span, &answer) {
        (Some(span), Ok(emitted)) => span.sent(emitted.sockets.unwrap_or_default()),
        (Some(span), Err(error)) => span.failed(error.code()),
        (None, _) => {}
    }
    answer
}

/// What is kept for a room is for all of it on every node, and for it alone.
pub(super) fn kept() -> ApiError {
    ApiError::Invalid {
        message: "a room that is named is kept, and this is not for all of it and it alone"
            .to_owned(),
        hint: Some(
            "emit to a room of recovery.rooms by itself, without except and scope; or volatile",
        ),
    }
}

impl Emitted {
    fn by(node: &NodeId, id: String, sockets: usize) -> Self {
        Self { id, nodes: 1, sockets: Some(sockets), node: Some(node.to_string()) }
    }
}
