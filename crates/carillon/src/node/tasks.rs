//! `POST /v1/tasks`: worker messages by HTTP.
//!
//! Promise: 202 means that every well-formed message was published or is superseded; 503 names the
//! first that was not taken.

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use ingest::{Batch, Intake, Report};
use notice::TraceParent;
use serde::Serialize;
use tokio_util::task::TaskTracker;

use crate::node::answer::{self, ErrorBody, Problem};

/// The way in for messages by HTTP. Clones are the same door.
#[derive(Clone, Debug)]
pub(super) struct Door {
    intake: Option<Intake>,
    /// Counts the batches that are being taken; closed, no more are.
    taking: TaskTracker,
}

/// The answer to a batch, whatever its status.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
    accepted: usize,
    superseded: usize,
    after_final: usize,
    rejected: Vec<Rejected<'a>>,
    /// The first message that was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

#[derive(Serialize)]
struct Rejected<'a> {
    index: usize,
    error: &'a str,
}

impl Door {
    /// `None`: this node does not take messages, and has no such path.
    pub(super) fn new(intake: Option<Intake>) -> Self {
        Self { intake, taking: TaskTracker::new() }
    }

    pub(super) fn is_there(&self) -> bool {
        self.intake.is_some()
    }

    /// Takes no more, and waits for what is being taken.
    pub(super) async fn close(&self) {
        self.taking.close();
        self.taking.wait().await;
    }

    async fn take(&self, headers: &HeaderMap, body: &Bytes) -> Result<Report, Problem> {
        let content_type = headers.get(header::CONTENT_TYPE);
        let batch = Batch::read(body, content_type.and_then(|text| text.to_str().ok()));
        let batch = batch.map_err(|error| {
            if error.is_too_large() {
                Problem::TooLarge(error.to_string())
            } else {
                Problem::BadBatch(error.to_string())
            }
        })?;
        let _taking = self.taking.token();
        match &self.intake {
            Some(intake) if !self.taking.is_closed() => {
                Ok(intake.take(batch.within(parent(headers))).await)
            }
            _ => Err(Problem::Stopping),
        }
    }
}

pub(super) async fn post(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Response {
    match door.take(&headers, &body).await {
        Ok(report) => respond(&report),
        Err(problem) => problem.into_response(),
    }
}

fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let text = |name| headers.get(name)?.to_str().ok();
    Some(TraceParent::parse(text("traceparent")?)?.beside(text("tracestate")))
}

fn respond(report: &Report) -> Response {
    let rejected =
        report.rejected.iter().map(|it| Rejected { index: it.index, error: &it.error }).collect();
    let index = report.interrupted.map(|interrupted| interrupted.index);
    let (status, error) = judge(report);
    let Report { accepted, superseded, after_final, .. } = *report;
    let body = Answer { error, accepted, superseded, after_final, rejected, index };
    let mut response = answer::json(status, &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer::retry_after(&mut response);
    }
    response
}

fn judge(report: &Report) -> (StatusCode, Option<ErrorBody>) {
    if let Some(interrupted) = report.interrupted {
        let message = format!("message {} and those after it were not taken", interrupted.index);
        let hint = "send the batch again from that message on";
        (StatusCode::SERVICE_UNAVAILABLE, Some(ErrorBody::new("unavailable", message, hint)))
    } else if report.accepted == 0 {
        let message = match report.rejected.as_slice() {
            [] => "the batch holds no message".to_owned(),
            [one] => one.error.clone(),
            all => format!("all {} messages are bad", all.len()),
        };
        let hint = "`carillon explain` says what a message becomes, or why it is refused";
        (StatusCode::BAD_REQUEST, Some(ErrorBody::new("bad_messages", message, hint)))
    } else {
        (StatusCode::ACCEPTED, None)
    }
}

#[cfg(test)]
mod tests {
    //! Which status a report gets.

    use ingest::{Interrupted, Rejection};

    use super::*;

    #[tokio::test]
    async fn an_interrupted_batch_is_answered_with_503_and_the_first_index_not_taken() {
        let interrupted = Some(Interrupted { index: 3 });
        let rejected = vec![Rejection { index: 1, error: "bad".to_owned() }];
        let response = respond(&Report { accepted: 2, rejected, interrupted, ..Report::default() });
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["index"], &body["accepted"]), (&3.into(), &2.into()));
        assert_eq!(body["error"]["code"], "unavailable");
        assert_eq!(body["rejected"][0]["index"], 1);
    }

    #[tokio::test]
    async fn a_door_that_closed_takes_nothing_and_asks_to_come_back() {
        let door = Door::new(None);
        door.close().await;
        let response = post(State(door), HeaderMap::new(), Bytes::from("{}")).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }
}
