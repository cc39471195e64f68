//! Asks the backend who a client is.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    cache::{Answer, Cache},
    claims::{Name, OneOrMany, rooms, time},
    client::{AskError, Client},
    config::HookConfig,
    denial::Denial,
    events::Events,
    grant::{Grant, Proof},
    revoked::RevokedList,
    shown::Shown,
};

/// The longest text of the backend that a client is shown.
const ERROR_BYTES_MAX: usize = 512;

#[derive(Debug)]
pub(crate) struct Hook {
    config: HookConfig,
    client: Client,
    cache: Cache,
    revoked: Arc<RevokedList>,
    turns: Semaphore,
    events: Events,
}

#[derive(Serialize)]
struct Question<'a> {
    namespace: &'a str,
    query: BTreeMap<&'a str, &'a str>,
    auth: Option<&'a RawValue>,
    headers: BTreeMap<&'a str, &'a str>,
    address: IpAddr,
}

/// `{user, rooms, expires}` or `{error}`.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    user: Option<Name>,
    #[serde(default)]
    rooms: Option<OneOrMany>,
    /// Seconds since the Unix epoch.
    #[serde(default)]
    expires: Option<f64>,
    #[serde(default)]
    error: Option<String>,
}

impl Hook {
    pub(crate) fn new(
        config: HookConfig,
        client: Client,
        revoked: Arc<RevokedList>,
        events: Events,
    ) -> Self {
        let (cache, turns) = (Cache::new(config.cache), Semaphore::new(config.concurrency));
        Self { config, client, cache, revoked, turns, events }
    }

    /// What the backend grants. Fails as [`Denial::Unreachable`] when it does not say.
    pub(crate) async fn ask(&self, shown: &Shown<'_>) -> Result<Grant, Denial> {
        let question = question(shown)?;
        if let Some(answer) = self.known(&question) {
            return Result::clone(&answer);
        }
        let started = Instant::now();
        // Half of its time at most, or it would have none left to ask in.
        let turn = timeout_at(started + self.config.time_limit / 2, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            self.events.busy();
            return Err(Denial::Busy);
        };
        // Another may have asked the same meanwhile.
        if let Some(answer) = self.known(&question) {
            return Result::clone(&answer);
        }
        let left = self.config.time_limit.saturating_sub(started.elapsed());
        let proof = Proof::Answer { turn: self.revoked.turn() };
        let said = self.client.post(&self.config.url, question.clone(), left).await;
        let answer = match said.and_then(|reply| read(&reply, proof)) {
            Ok(answer) => Answer::new(answer),
            Err(error) => {
                self.events.no_answer(&error);
                return Err(Denial::Unreachable);
            }
        };
        self.events.answered(started.elapsed());
        if self.is_revoked(&answer) {
            // It was on its way when its user's grants were taken back: the next one will know.
            return Err(Denial::Busy);
        }
        self.cache.put(question, &answer);
        Result::clone(&answer)
    }

    /// What the backend said a moment ago and may still be told.
    fn known(&self, question: &Bytes) -> Option<Answer> {
        self.cache.get(question).filter(|answer| !self.is_revoked(answer))
    }

    fn is_revoked(&self, answer: &Answer) -> bool {
        answer.as_ref().as_ref().is_ok_and(|grant| self.revoked.has(grant))
    }
}

fn question(shown: &Shown<'_>) -> Result<Bytes, Denial> {
    let auth = shown.auth.map(serde_json::from_str::<&RawValue>).transpose();
    let question = Question {
        namespace: shown.namespace,
        query: by_name(shown.query),
        auth: auth.map_err(|_| Denial::Malformed)?,
        headers: by_name(shown.headers),
        address: shown.address,
    };
    Ok(serde_json::to_vec(&question).expect("texts and an address are JSON").into())
}

/// In the order of their names, so that the same question has the same bytes.
fn by_name(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The outer error: the backend said nothing that can be understood.
fn read(reply: &[u8], proof: Proof) -> Result<Result<Grant, Denial>, AskError> {
    let unreadable = |what: &str| AskError::Unreadable(what.to_owned());
    let reply: Reply =
        serde_json::from_slice(reply).map_err(|error| unreadable(&error.to_string()))?;
    if let Some(error) = reply.error {
        let end = error.floor_char_boundary(ERROR_BYTES_MAX);
        return Ok(Err(Denial::Backend(Arc::from(&error[..end]))));
    }
    let user = reply.user.ok_or_else(|| unreadable("neither user nor error"))?;
    let user =
        notice::UserId::new(&user.into_text()).map_err(|error| unreadable(&error.to_string()))?;
    let expires = reply.expires.map(time).transpose();
    Ok(Ok(Grant {
        user,
        rooms: rooms(reply.rooms).map_err(|_| unreadable("rooms that are no list of names"))?,
        expires: expires.map_err(|_| unreadable("expires that is no time"))?,
        proof,
    }))
}
