//! `POST /v1/nodes/{id}/drain` and `POST /v1/nodes/rebalance`: sockets that are to be on other nodes.

use std::{sync::Arc, time::Duration};

use adapter::Living;
use axum::{Json, body::Bytes, extract::State};
use notice::NodeId;
use serde::{Deserialize, Serialize};

use super::{address::InPath, error::ApiError};
use crate::{
    drain::{self, Wish},
    others::{self, About},
    questions::{Answer, Question},
    shared::Shared,
};

/// How long shedding takes where nobody says: slow enough that nobody notices.
const SHED_OVER: Duration = Duration::from_mins(1);
const OVER_MAX: Duration = Duration::from_hours(1);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    over: Option<String>,
}

/// A node that empties itself.
#[derive(Serialize)]
pub(super) struct Emptied {
    node: String,
    /// So many leave.
    sockets: usize,
}

/// What comes of a rebalancing.
#[derive(Serialize)]
pub(super) struct Balance {
    /// What a node may keep.
    mean: usize,
    /// Those that have more, and how many leave each.
    nodes: Vec<Emptied>,
    /// Nodes that have more and of which it is not known whether they do their part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// A node with sockets, and what it says of itself.
struct Neighbour {
    node: NodeId,
    about: About,
}

pub(super) async fn drain(
    State(shared): State<Arc<Shared>>,
    InPath(id): InPath<String>,
    body: Bytes,
) -> Result<Json<Emptied>, ApiError> {
    let over = over(&body)?.unwrap_or(shared.config.drain_over);
    let living = shared.nodes.living().await;
    let living = living.map_err(|error| ApiError::nodes(&shared, &error))?;
    let node = living.into_iter().map(|living| living.node).find(|node| node.as_str() == id);
    let node = node.ok_or(ApiError::UnknownNode)?;
    match wish(&shared, &node, Wish::Empty { over }).await? {
        Some(sockets) => Ok(Json(Emptied { node: id, sockets })),
        None => Err(ApiError::Silent { node: id }),
    }
}

pub(super) async fn rebalance(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Balance>, ApiError> {
    balance(&shared, None, &body).await
}

pub(super) async fn rebalance_one(
    State(shared): State<Arc<Shared>>,
    InPath(id): InPath<String>,
    body: Bytes,
) -> Result<Json<Balance>, ApiError> {
    balance(&shared, Some(&id), &body).await
}

async fn balance(
    shared: &Shared,
    only: Option<&str>,
    body: &[u8],
) -> Result<Json<Balance>, ApiError> {
    let over = over(body)?.unwrap_or(SHED_OVER);
    let mut all = neighbours(shared).await?;
    all.retain(|one| one.about.takes_newcomers());
    if only.is_some_and(|id| all.iter().all(|one| one.node.as_str() != id)) {
        return Err(ApiError::UnknownNode);
    }
    let sockets: usize = all.iter().map(|one| one.about.sockets).sum();
    let keep = sockets.div_ceil(all.len().max(1));
    let mut balance = Balance { mean: keep, nodes: Vec::new(), missing: Vec::new() };
    let meant = |one: &&Neighbour| only.is_none_or(|id| one.node.as_str() == id);
    for one in all.iter().filter(|one| one.about.sockets > keep).filter(meant) {
        let node = one.node.to_string();
        match wish(shared, &one.node, Wish::Shed { keep, over }).await {
            Ok(Some(sockets)) => balance.nodes.push(Emptied { node, sockets }),
            Ok(None) | Err(_) => balance.missing.push(node),
        }
    }
    Ok(Json(balance))
}

/// Every node with sockets, this one as it is now.
async fn neighbours(shared: &Shared) -> Result<Vec<Neighbour>, ApiError> {
    let living = shared.nodes.living().await;
    let living = living.map_err(|error| ApiError::nodes(shared, &error))?;
    let about = |living: &Living| {
        let is_here = living.node == shared.config.node;
        if is_here { About::of(shared) } else { About::read(living) }
    };
    let neighbours =
        living.iter().map(|living| Neighbour { node: living.node.clone(), about: about(living) });
    Ok(neighbours.filter(|one| one.about.sockets_max > 0).collect())
}

/// Has a node do it. `None`: it did not say whether it does.
async fn wish(shared: &Shared, node: &NodeId, wish: Wish) -> Result<Option<usize>, ApiError> {
    if *node == shared.config.node {
        return drain::begin(shared, wish).map(Some).ok_or(ApiError::OrdersFull);
    }
    let over_ms = |over: Duration| u64::try_from(over.as_millis()).unwrap_or(u64::MAX);
    let question = match wish {
        Wish::Empty { over } => Question::Empty { over_ms: over_ms(over) },
        Wish::Shed { keep, over } => Question::Shed { keep, over_ms: over_ms(over) },
    };
    let answer = others::ask(shared, node, &question).await;
    match answer.map_err(|error| ApiError::nodes(shared, &error))? {
        Some(Answer::Leaving { sockets }) => Ok(Some(sockets)),
        Some(Answer::Busy) => Err(ApiError::OrdersFull),
        _ => Ok(None),
    }
}

fn over(body: &[u8]) -> Result<Option<Duration>, ApiError> {
    if body.is_empty() {
        return Ok(None);
    }
    let body: Body = serde_json::from_slice(body).map_err(|error| ApiError::unread(&error))?;
    let Some(text) = body.over else { return Ok(None) };
    let over = notice::duration(&text).filter(|over| !over.is_zero() && *over <= OVER_MAX);
    over.map(Some).ok_or_else(|| ApiError::Invalid {
        message: format!("over: {text:?} is not between 1ms and 60m"),
        hint: Some("write it as 500ms, 30s or 5m"),
    })
}
