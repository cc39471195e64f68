//! `POST /v1/emit` with `ack`: sends, waits for what the sockets acknowledge, and says who did not.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use notice::{Draft, Scope};
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::{
    asked::{Ack, Question, Reach, Refused, Tally, Unasked},
    shared::Shared,
};

/// How long an acknowledgement may be waited for.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// How long it is waited for where nothing is said.
const WAIT: Duration = Duration::from_secs(5);

/// `"ack":{"timeout":"5s"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    timeout: Option<String>,
}

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

impl Wanted {
    pub(super) fn wait(self) -> Result<Duration, ApiError> {
        let Some(text) = self.timeout else { return Ok(WAIT) };
        let wait = duration(&text).filter(|wait| !wait.is_zero() && *wait <= WAIT_MAX);
        wait.ok_or_else(|| ApiError::Invalid {
            message: format!("ack.timeout {text:?} is not between 1ms and {}s", WAIT_MAX.as_secs()),
            hint: Some("like 5s, 500ms or 1m"),
        })
    }
}

/// `500ms`, `5s`, `1m`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u32 = number.parse().ok()?;
    let unit = match unit {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_mins(1),
        _ => return None,
    };
    unit.checked_mul(number)
}

pub(super) async fn ask(
    shared: &Shared,
    draft: Draft,
    is_local: bool,
    wait: Duration,
) -> Result<Response, ApiError> {
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
        // Nobody was asked, and the others cannot be: it may be handed in again.
        (0, true) => Err(ApiError::Unavailable),
        (0, false) if is_one && missing == 0 => Err(ApiError::UnknownSocket),
        _ => {
            let nodes = tally.nodes();
            let Tally { acks, unasked, .. } = tally;
            Ok(Json(Answered { acks, missing, nodes, unasked }).into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    //! Which time limits are taken.

    use super::*;

    fn wait(text: &str) -> Option<Duration> {
        Wanted { timeout: Some(text.to_owned()) }.wait().ok()
    }

    #[test]
    fn a_limit_has_a_unit_and_is_at_most_a_minute() {
        assert_eq!(wait("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(wait("5s"), Some(Duration::from_secs(5)));
        assert_eq!(wait("1m"), Some(Duration::from_mins(1)));
        for text in ["61s", "2m", "0s", "5", "s", "", "-1s", "1.5s", "99999999999s", "5 s"] {
            assert_eq!(wait(text), None, "{text:?} was taken");
        }
    }

    #[test]
    fn without_a_limit_it_is_five_seconds() {
        assert_eq!(Wanted { timeout: None }.wait().ok(), Some(WAIT));
    }
}
