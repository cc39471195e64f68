//! `GET /v1/rooms` and `GET /v1/nodes`: the cluster at a glance.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::{address::InQuery, bounds::len_max, error::ApiError, sockets::Reach};
use crate::{
    census,
    others::{self, About},
    questions::{self, Answer, Counted, Question},
    shared::Shared,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    namespace: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    scope: Reach,
}

#[derive(Serialize)]
pub(super) struct RoomList {
    rooms: Vec<RoomCount>,
    /// There are more than were asked for; these are the first in the order of their names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

#[derive(Serialize)]
struct RoomCount {
    namespace: String,
    room: String,
    sockets: usize,
}

#[derive(Serialize)]
pub(super) struct NodeList {
    nodes: Vec<NodeState>,
}

/// One node. `headroom` is how many more sockets it takes.
#[derive(Serialize)]
struct NodeState {
    node: String,
    roles: Vec<String>,
    version: String,
    sockets: usize,
    headroom: usize,
    /// It goes, and takes no newcomers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    draining: bool,
    /// The one that answers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    this: bool,
}

/// The members of each room.
pub(super) async fn rooms(
    State(shared): State<Arc<Shared>>,
    InQuery(asked): InQuery<Asked>,
) -> Result<Json<RoomList>, ApiError> {
    let len_max = len_max(asked.limit)?;
    let which = questions::Rooms { namespace: asked.namespace, len_max };
    let (mut counts, mut missing) = (vec![census::rooms(&shared, &which)], Vec::new());
    if asked.scope == Reach::Cluster {
        let others = others::ask_all(&shared, &Question::Rooms(which)).await;
        let others = others.map_err(|error| ApiError::nodes(&shared, &error))?;
        counts.extend(others.answers.into_iter().filter_map(|answer| match answer {
            Answer::Rooms(counted) => Some(counted),
            _ => None,
        }));
        missing = others.missing;
    }
    let Counted { rooms, more } = Counted::sum(counts, len_max);
    let room = |(namespace, room, sockets)| RoomCount { namespace, room, sockets };
    Ok(Json(RoomList { rooms: rooms.into_iter().map(room).collect(), more, missing }))
}

/// The nodes whose lease runs.
pub(super) async fn nodes(State(shared): State<Arc<Shared>>) -> Result<Json<NodeList>, ApiError> {
    let living = shared.nodes.living().await;
    let living = living.map_err(|error| ApiError::nodes(&shared, &error))?;
    let mut nodes: Vec<_> = living
        .iter()
        .map(|living| {
            let this = living.node == shared.config.node;
            let about = if this { About::of(&shared) } else { About::read(living) };
            let (headroom, draining) = (about.headroom(), about.leaving);
            let About { roles, version, sockets, .. } = about;
            let node = living.node.to_string();
            NodeState { node, roles, version, sockets, headroom, draining, this }
        })
        .collect();
    nodes.sort_unstable_by(|one, other| one.node.cmp(&other.node));
    Ok(Json(NodeList { nodes }))
}
