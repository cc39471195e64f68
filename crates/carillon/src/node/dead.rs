//! `/v1/dead`: what nobody could use, looked through, handed in again, let go.

use std::time::{Duration, SystemTime};

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use ingest::{DeadLetter, DeadLetterError, DeadLetterId, DeadLetterStore, Which};
use serde::{Deserialize, Serialize};

use crate::node::answer::{self, Problem};

/// Letters in one answer, unless the caller asks for fewer or more, and at most.
const PAGE_LEN: usize = 20;
const PAGE_LEN_MAX: usize = 100;

/// One letter, as it is shown to a person.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) reason: String,
    pub(crate) error: String,
    pub(crate) tries: u32,
    pub(crate) at: String,
    pub(crate) origin: Option<String>,
    /// A text, for it may be anything; what is no UTF-8 in it is replaced.
    pub(crate) json: String,
}

#[derive(Serialize)]
struct Page {
    letters: Vec<Letter>,
    /// How many there are in all.
    count: usize,
}

/// What to do something with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    id: Option<String>,
    #[serde(default)]
    all: bool,
}

impl Letter {
    pub(crate) fn new(id: DeadLetterId, letter: &DeadLetter) -> Self {
        Self {
            id: id.to_string(),
            source: letter.source.to_owned(),
            reason: letter.reason.to_owned(),
            error: letter.error.clone(),
            tries: letter.tries,
            at: humantime::format_rfc3339_millis(letter.handed_in.min(latest())).to_string(),
            origin: letter.origin.clone(),
            json: String::from_utf8_lossy(&letter.json).into_owned(),
        }
    }
}

/// The last second of the year 9999. What another hand wrote into Redis may lie behind it, and has no
/// form then.
fn latest() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799)
}

pub(super) fn router(store: DeadLetterStore) -> Router {
    Router::new()
        .route("/v1/dead", get(list))
        .route("/v1/dead/replay", post(replay))
        .route("/v1/dead/drop", post(discard))
        .with_state(store)
}

async fn list(
    State(store): State<DeadLetterStore>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (before, len_max) = read_query(query.as_deref().unwrap_or_default())?;
    let letters = store.list(before, len_max).await?;
    let letters = letters.iter().map(|(id, letter)| Letter::new(*id, letter)).collect();
    let page = Page { letters, count: store.count().await? };
    Ok(answer::json(StatusCode::OK, &page))
}

fn read_query(query: &str) -> Result<(Option<DeadLetterId>, usize), Problem> {
    let (mut before, mut len_max) = (None, PAGE_LEN);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("before", id)) => before = Some(read_id(id)?),
            Some(("limit", limit)) => len_max = read_limit(limit)?,
            _ => {
                let text = format!("read query {pair:?}: expected limit or before");
                return Err(Problem::Invalid(text));
            }
        }
    }
    Ok((before, len_max))
}

fn read_limit(text: &str) -> Result<usize, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_LEN_MAX).contains(limit));
    let bad = || format!("read limit {text:?}: expected a number from 1 to {PAGE_LEN_MAX}");
    limit.ok_or_else(|| Problem::Invalid(bad()))
}

async fn replay(State(store): State<DeadLetterStore>, body: Bytes) -> Result<Response, Problem> {
    let which = read_which(&body)?;
    let replayed = some(which, store.replay(which).await?)?;
    Ok(answer::json(StatusCode::OK, &serde_json::json!({ "replayed": replayed })))
}

async fn discard(State(store): State<DeadLetterStore>, body: Bytes) -> Result<Response, Problem> {
    let which = read_which(&body)?;
    let dropped = some(which, store.discard(which).await?)?;
    Ok(answer::json(StatusCode::OK, &serde_json::json!({ "dropped": dropped })))
}

fn read_which(body: &[u8]) -> Result<Which, Problem> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| {
        let text = format!("read what letters are meant: {error}");
        if error.is_data() { Problem::Invalid(text) } else { Problem::Malformed(text) }
    })?;
    match asked {
        Asked { id: Some(id), all: false } => Ok(Which::One(read_id(&id)?)),
        Asked { id: None, all: true } => Ok(Which::All),
        _ => Err(Problem::Invalid(
            "read what letters are meant: expected {\"id\":\"…\"} or {\"all\":true}".to_owned(),
        )),
    }
}

fn read_id(text: &str) -> Result<DeadLetterId, Problem> {
    text.parse().map_err(|error: ingest::DeadLetterIdError| Problem::Invalid(error.to_string()))
}

/// Of all there may be none; one that was named has to be there.
fn some(which: Which, len: usize) -> Result<usize, Problem> {
    match which {
        Which::One(id) if len == 0 => Err(Problem::NoLetter(id.to_string())),
        _ => Ok(len),
    }
}

impl From<DeadLetterError> for Problem {
    fn from(error: DeadLetterError) -> Self {
        match error {
            DeadLetterError::Unreachable { .. } => Self::Away(error.to_string()),
            DeadLetterError::Stopped => Self::Stopping,
        }
    }
}
