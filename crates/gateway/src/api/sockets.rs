//! `GET /v1/sockets`: who sits on all nodes, or on this one.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{address::InQuery, bounds::len_max, error::ApiError};
use crate::{
    census, others,
    questions::{Answer, Question, Which},
    shared::Shared,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    room: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    scope: Reach,
}

/// How far a question goes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reach {
    #[default]
    Cluster,
    Local,
}

#[derive(Serialize)]
pub(super) struct Listing {
    sockets: Vec<Box<RawValue>>,
    /// There are more than were asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// The seats that fit all that was asked.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    InQuery(asked): InQuery<Asked>,
) -> Result<Json<Listing>, ApiError> {
    let Asked { room, user, namespace, limit, scope } = asked;
    let which = Which { room, user, namespace, len_max: len_max(limit)? };
    let here = census::sockets(&shared, &which).await;
    let (mut sockets, mut more) = (here.sockets, here.more);
    let mut missing = Vec::new();
    if scope == Reach::Cluster {
        let others = others::ask_all(&shared, &Question::Sockets(which.clone())).await;
        let others = others.map_err(|error| ApiError::nodes(&shared, &error))?;
        for answer in others.answers {
            if let Answer::Sockets(listed) = answer {
                sockets.extend(listed.sockets);
                more |= listed.more;
            }
        }
        missing = others.missing;
    }
    more |= sockets.len() > which.len_max;
    sockets.truncate(which.len_max);
    Ok(Json(Listing { sockets, more, missing }))
}
