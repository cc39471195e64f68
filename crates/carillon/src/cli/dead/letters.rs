//! Where the dead letters are: in a Redis that is asked directly, or behind a node's internal API.

use adapter::RedisConfig;
use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{Method, StatusCode};
use ingest::{DeadLetterStore, Which};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    bus,
    cli::{
        Console,
        api::{Answer, Api},
        arguments::DeadAt,
        remote::Remote,
        target,
    },
    exit::Failure,
    node::Letter,
    settings::{API_KEY, Settings},
};

/// Where a node's API is without settings.
const NODE: &str = "http://127.0.0.1:8001";

#[derive(Debug)]
pub(super) enum Address {
    Redis(Box<RedisConfig>),
    Node(Box<Api>),
}

#[derive(Debug)]
pub(super) enum Letters {
    Redis(DeadLetterStore),
    Node(Box<Api>),
}

#[derive(Deserialize)]
struct Page {
    letters: Vec<Letter>,
}

impl Address {
    /// What `--to` names; without it the Redis of the settings, or else a node on this machine.
    pub(super) fn read(at: DeadAt, console: &Console<'_>) -> Result<Self, Failure> {
        let api = |url: &str| {
            let remote = Remote::parse("--to", url, NODE)?;
            let key = console.environment.get(API_KEY).cloned();
            Ok(Self::Node(Box::new(Api::new(remote, key, &at.tls)?)))
        };
        let sources = at.settings.into_sources(console.environment.clone());
        match at.to {
            Some(url) if target::is_redis(&url) => {
                let (redis, _) = target::redis("--to", &url, None, sources)?;
                Ok(Self::Redis(Box::new(redis)))
            }
            Some(url) => api(&url),
            None => match bus::redis(&Settings::load(&sources).into_config()?) {
                Some(redis) => Ok(Self::Redis(Box::new(redis))),
                None => api(NODE),
            },
        }
    }

    pub(super) async fn connect(self) -> Result<Letters, Failure> {
        Ok(match self {
            Self::Node(api) => Letters::Node(api),
            Self::Redis(redis) => {
                let store = DeadLetterStore::connect(&redis).await;
                Letters::Redis(store.map_err(target::not_connected)?)
            }
        })
    }
}

impl Letters {
    /// Newest first; `before` is the id of a letter.
    pub(super) async fn page(
        &self,
        before: Option<&str>,
        len_max: usize,
    ) -> Result<Vec<Letter>, Failure> {
        match self {
            Self::Redis(store) => {
                let before = before.map(str::parse).transpose().context("read an id")?;
                let page = store.list(before, len_max).await.map_err(anyhow::Error::new)?;
                Ok(page.iter().map(|(id, letter)| Letter::new(*id, letter)).collect())
            }
            Self::Node(api) => {
                let before = before.map_or_else(String::new, |id| format!("&before={id}"));
                let path = format!("/v1/dead?limit={len_max}{before}");
                let answer = call(api, Method::GET, &path, Bytes::new()).await?;
                Ok(read::<Page>(&answer)?.letters)
            }
        }
    }

    /// Replays or drops, and says how many.
    pub(super) async fn change(&self, verb: &str, which: Which) -> Result<usize, Failure> {
        let len = match self {
            Self::Redis(store) if verb == "replay" => store.replay(which).await,
            Self::Redis(store) => store.discard(which).await,
            Self::Node(api) => return change(api, verb, which).await,
        };
        match (len.map_err(anyhow::Error::new)?, which) {
            (0, Which::One(id)) => Err(Failure::hinted(
                anyhow!("{verb} dead letter {id}: there is no such letter"),
                "`carillon dead list` shows those that there are",
            )),
            (len, _) => Ok(len),
        }
    }

    pub(super) async fn close(self) {
        if let Self::Redis(store) = self {
            store.close().await;
        }
    }
}

async fn change(api: &Api, verb: &str, which: Which) -> Result<usize, Failure> {
    let body = match which {
        Which::One(id) => json!({ "id": id.to_string() }),
        Which::All => json!({ "all": true }),
    };
    let body = body.to_string().into();
    let answer = call(api, Method::POST, &format!("/v1/dead/{verb}"), body).await?;
    let done: Value = read(&answer)?;
    let len = done["replayed"].as_u64().or(done["dropped"].as_u64()).unwrap_or_default();
    Ok(usize::try_from(len).unwrap_or(usize::MAX))
}

async fn call(api: &Api, method: Method, path: &str, body: Bytes) -> Result<Answer, Failure> {
    let answer = api.call(method, path, "application/json", body).await?;
    match answer.status {
        StatusCode::OK => Ok(answer),
        _ => Err(api.refused("ask for the dead letters", &answer)),
    }
}

fn read<T: for<'a> Deserialize<'a>>(answer: &Answer) -> anyhow::Result<T> {
    serde_json::from_slice(&answer.body).context("read the answer: is that a node?")
}
