//! `POST /v1/tasks`, from the caller's side.

use std::time::Duration;

use http::{Method, StatusCode, header};
use serde::Deserialize;

use crate::{
    cli::{
        api::{self, Api},
        publish::{
            batch::Batch,
            taken::{Rejection, Taken},
        },
    },
    exit::Failure,
};

/// The longest pause that a node may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What a node says about a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    accepted: usize,
    superseded: usize,
    after_final: usize,
    rejected: Vec<Rejection>,
    /// The first message that was not taken, when the node could not go on.
    index: Option<usize>,
}

pub(super) async fn post(api: &Api, batch: &Batch) -> Result<Taken, Failure> {
    let answer = api.call(Method::POST, "/v1/tasks", batch.content_type(), batch.body()).await?;
    let told = serde_json::from_slice::<Answer>(&answer.body).ok();
    let judged = match answer.status {
        StatusCode::ACCEPTED => told,
        StatusCode::BAD_REQUEST => told.filter(|told| !told.rejected.is_empty()),
        StatusCode::SERVICE_UNAVAILABLE => {
            told.map(|told| Answer { index: told.index.or(Some(0)), ..told })
        }
        _ => None,
    };
    let told = judged.ok_or_else(|| api.refused("hand in messages", &answer))?;
    let interrupted = told.index.map(|index| (index, pause(&answer)));
    let message = answer.problem().map(|problem| problem.message);
    Ok(Taken {
        accepted: told.accepted,
        superseded: told.superseded,
        after_final: told.after_final,
        rejected: told.rejected,
        interrupted,
        message: message.unwrap_or_else(|| "server gave no reason".to_owned()),
    })
}

fn pause(answer: &api::Answer) -> Duration {
    let asked = answer.headers.get(header::RETRY_AFTER);
    let asked = asked.and_then(|text| text.to_str().ok()?.parse().ok()).unwrap_or(1);
    Duration::from_secs(asked).min(PAUSE_MAX)
}
