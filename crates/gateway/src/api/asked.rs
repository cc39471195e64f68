//! `POST /v1/emit` with `ack`: sends, waits for what the sockets acknowledge, and says who did not.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use notice::{Draft, Scope};
use serde::Serialize;

use super::{error::ApiError, publication::Parent};
use crate::{
    asked::{Ack, Question, Reach, Refused, Tally, Unasked},
    shared::Shared,
};

/// What came back. None missing means that every socket of the audience has answered.
#[derive(Serialize)]
struct Answered {
    acks: Vec<Ack>,
    missing: usize,
    /// How many nodes were heard.
    nodes: usize,
    /// Nodes of which it is not known what their sockets would have said; each counts as one missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unasked: Vec<Unasked>,
}

pub(super) async fn ask(
    shared: &Shared,
    draft: Draft,
    is_local: bool,
    wait: Duration,
    parent: Parent,
) -> Result<Response, ApiError> {
    let span = parent.emit(shared, trace::Reach::Question, &draft.audience);
    let answered = answers(shared, draft, is_local, wait).await;
    match (span, &answered) {
        (Some(span), Ok(answered)) => {
            let Answered { acks, missing, nodes, .. } = answered;
            span.answered(*nodes, acks.len(), *missing);
        }
        (Some(span), Err(error)) => span.failed(error.code()),
        (None, _) => {}
    }
    answered.map(|answered| Json(answered).into_response())
}

async fn answers(
    shared: &Shared,
    draft: Draft,
    is_local: bool,
    wait: Duration,
) -> Result<Answered, ApiError> {
    let reach = if is_local { Reach::ThisNode } else { Reach::AllNodes };
    let question = Question::of(draft);
    let tally =
        shared.cluster.ask(&question, wait, reach).await.map_err(|refused| match refused {
            Refused::TooManySockets => ApiError::TooManySockets,
            Refused::Busy => ApiError::Busy,
        })?;
    let is_one = matches!(question.audience.scope, Scope::Socket(_));
    let missing = tally.missing();
    match (tally.sockets(), tally.is_cut_off()) {
        // Nobody here was asked, and of the others it is not known.
        (0, true) => Err(ApiError::Unsure),
        (0, false) if is_one && missing == 0 => Err(ApiError::UnknownSocket),
        _ => {
            let nodes = tally.nodes();
            let Tally { acks, unasked, .. } = tally;
            Ok(Answered { acks, missing, nodes, unasked })
        }
    }
}
