//! The internal API of a node, from the caller's side: one call, its answer, and what to tell a person
//! whom it refuses.
//!
//! May not enter: what a path is for.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::time;

use crate::{
    cli::{arguments::TlsArgs, remote::Remote, trust},
    exit::Failure,
};

/// How long a node may take to answer one call.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// The longest answer that is read: a hundred dead letters of the longest kind fit, and 10,000 rejections.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One node's internal API.
#[derive(Debug)]
pub(super) struct Api {
    pool: trust::Pool,
    remote: Remote,
    key: Option<String>,
}

/// What a node answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    error: Option<Problem>,
}

/// Why a node does not do what it is asked, in its own words.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) message: String,
    hint: Option<String>,
}

impl Api {
    pub(super) fn new(remote: Remote, key: Option<String>, tls: &TlsArgs) -> Result<Self, Failure> {
        let rules = trust::rules(&remote, tls)?;
        Ok(Self::by(rules, remote, key))
    }

    /// The same, with the rules of TLS made already.
    pub(super) fn by(rules: ClientConfig, remote: Remote, key: Option<String>) -> Self {
        Self { pool: trust::pool(rules), remote, key }
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let exchange = self.exchange(method, path, content_type, body);
        time::timeout(ANSWER_WITHIN, exchange)
            .await
            .map_err(|_elapsed| anyhow!("read the answer of {}: none came in time", self.remote))
            .flatten()
            .map_err(|error| {
                let hint = trust::advice(&error, "is that a node's internal address?");
                Failure::hinted(error, hint)
            })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.remote.url("http", path))
            .header(header::CONTENT_TYPE, content_type);
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(Full::new(body)).context("write the request")?;
        let connect = || format!("connect to {}", self.remote);
        let (parts, body) = self.pool.request(request).await.with_context(connect)?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow!(error)).context("read the answer")?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Why nothing came of `doing`.
    pub(super) fn refused(&self, doing: &str, answer: &Answer) -> Failure {
        let Answer { status, .. } = answer;
        let problem = answer.problem();
        let message = problem.as_ref().map_or("no reason given", |problem| &problem.message);
        let error = anyhow!("{doing}: {} answered {status}: {message}", self.remote);
        let hint = match (*status, problem.and_then(|problem| problem.hint)) {
            (_, Some(hint)) => hint,
            (StatusCode::UNAUTHORIZED, None) => "give a key in CARILLON_API_KEY".to_owned(),
            _ => "is that a node's internal address, 8001 by default?".to_owned(),
        };
        Failure::hinted(error, hint)
    }
}

impl Answer {
    pub(super) fn problem(&self) -> Option<Problem> {
        serde_json::from_slice::<Envelope>(&self.body).ok().and_then(|envelope| envelope.error)
    }
}
