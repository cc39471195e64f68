//! `POST /v1/tasks`, from the caller's side.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use tokio::time;

use crate::{
    cli::{publish::batch::Batch, remote::Remote},
    exit::Failure,
};

/// How long a node may take to answer one call.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// The longest answer that is read; 10,000 rejections fit.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The longest pause that a node may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// One node's internal API.
pub(super) struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    remote: Remote,
    api_key: Option<String>,
}

/// What a node says about a batch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) accepted: usize,
    pub(super) superseded: usize,
    pub(super) after_final: usize,
    pub(super) rejected: Vec<Rejection>,
    error: Option<Problem>,
    /// The first message that was not taken, when the node could not go on.
    index: Option<usize>,
    #[serde(skip)]
    pause: Duration,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rejection {
    pub(super) index: usize,
    pub(super) error: String,
}

#[derive(Debug, Deserialize)]
struct Problem {
    message: String,
    hint: Option<String>,
}

impl Answer {
    /// How many were taken before the node had to stop, and how long to wait before going on.
    pub(super) fn interrupted(&self) -> Option<(usize, Duration)> {
        self.index.map(|index| (index, self.pause))
    }

    pub(super) fn message(&self) -> &str {
        self.error.as_ref().map_or("server gave no reason", |problem| &problem.message)
    }
}

impl Client {
    pub(super) fn new(remote: Remote, api_key: Option<String>) -> Self {
        let pool = Pool::builder(TokioExecutor::new()).build_http();
        Self { pool, remote, api_key }
    }

    pub(super) async fn post(&self, batch: &Batch) -> Result<Answer, Failure> {
        let exchange = time::timeout(ANSWER_WITHIN, self.exchange(batch)).await;
        let (status, pause, body) = exchange
            .map_err(|_elapsed| anyhow!("read the answer of {}: none came in time", self.remote))
            .flatten()
            .map_err(|error| Failure::hinted(error, "is that a node's internal address?"))?;
        let answer = serde_json::from_slice::<Answer>(&body);
        let judged = match status {
            StatusCode::ACCEPTED => answer.ok(),
            StatusCode::BAD_REQUEST => answer.ok().filter(|answer| !answer.rejected.is_empty()),
            StatusCode::SERVICE_UNAVAILABLE => answer.ok().map(|answer| {
                let index = answer.index.or(Some(0));
                Answer { index, pause, ..answer }
            }),
            _ => None,
        };
        judged.ok_or_else(|| self.refused(status, &body))
    }

    async fn exchange(&self, batch: &Batch) -> anyhow::Result<(StatusCode, Duration, Bytes)> {
        let mut request = Request::post(self.remote.url("http", "/v1/tasks"))
            .header(header::CONTENT_TYPE, batch.content_type());
        if let Some(key) = &self.api_key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(Full::new(batch.body())).context("write the request")?;
        let connect = || format!("connect to {}", self.remote);
        let answer = self.pool.request(request).await.with_context(connect)?;
        let pause = answer.headers().get(header::RETRY_AFTER);
        let pause = pause.and_then(|text| text.to_str().ok()?.parse().ok()).unwrap_or(1);
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow!(error)).context("read the answer")?.to_bytes();
        Ok((status, Duration::from_secs(pause).min(PAUSE_MAX), body))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Failure {
        let problem = serde_json::from_slice::<Answer>(body).ok().and_then(|answer| answer.error);
        let message = problem.as_ref().map_or("no reason given", |problem| &problem.message);
        let error = anyhow!("hand in messages: {} answered {status}: {message}", self.remote);
        let hint = match (status, problem.as_ref().and_then(|problem| problem.hint.clone())) {
            (_, Some(hint)) => hint,
            (StatusCode::UNAUTHORIZED, None) => "give a key in CARILLON_API_KEY".to_owned(),
            _ => "is that a node's internal address, 8001 by default?".to_owned(),
        };
        Failure::hinted(error, hint)
    }
}
