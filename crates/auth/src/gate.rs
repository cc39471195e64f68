//! The gate: shown what a client sent, it says who that is, or why not.

use std::{sync::Arc, time::Duration};

use notice::Revocation;
use prometheus::Registry;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, RootsError},
    config::{Config, KeySource, Mode, TokenConfig},
    denial::Denial,
    events::Events,
    grant::Grant,
    hook::Hook,
    key_set::{KeySet, Source},
    revoked::RevokedList,
    shown::Shown,
    tokens::Tokens,
};

/// Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    way: Way,
    key_set: Option<Arc<KeySet>>,
    revoked: Arc<RevokedList>,
}

#[derive(Clone, Debug)]
enum Way {
    Open,
    Tokens(Arc<Tokens>),
    Hook(Arc<Hook>),
}

/// Why there is no gate.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("open the gate: none of auth.algorithms fits the key of auth.key")]
    NoAlgorithm,
    #[error("open the gate")]
    Roots(#[from] RootsError),
    #[error("register metrics")]
    Metrics(#[from] prometheus::Error),
}

impl Gate {
    pub fn open(config: Config, registry: &Registry) -> Result<Self, OpenError> {
        let Config { mode, ca } = config;
        let events = Events::new(registry)?;
        let ca = ca.as_deref();
        let revoked = Arc::new(RevokedList::default());
        let (way, key_set) = match mode {
            Mode::Anonymous => (Way::Open, None),
            Mode::Hook(hook) => {
                let hook = Hook::new(hook, Client::new(ca)?, Arc::clone(&revoked), events);
                (Way::Hook(Arc::new(hook)), None)
            }
            Mode::Token(config) => {
                let source = source(&config, || Client::new(ca))?;
                let set =
                    source.map(|source| Arc::new(KeySet::new(source, config.clone(), events)));
                let tokens = match &set {
                    Some(set) => Tokens::of_set(Arc::clone(set), &config),
                    None => Tokens::of_key(&config).ok_or(OpenError::NoAlgorithm)?,
                };
                (Way::Tokens(Arc::new(tokens)), set)
            }
        };
        Ok(Self { way, key_set, revoked })
    }

    /// Whether everyone is let in as whoever they say.
    pub fn is_open(&self) -> bool {
        matches!(self.way, Way::Open)
    }

    /// What the client may do. `None`: nobody asks, it is who it says.
    pub async fn admit(&self, shown: &Shown<'_>) -> Result<Option<Grant>, Denial> {
        match &self.way {
            Way::Open => Ok(None),
            Way::Tokens(tokens) => {
                let token = shown.token.ok_or(Denial::NoToken)?;
                let grant = tokens.read(token).await?;
                if self.has_revoked(&grant) { Err(Denial::Revoked) } else { Ok(Some(grant)) }
            }
            Way::Hook(hook) => hook.ask(shown).await.map(Some),
        }
    }

    /// Learns of a revocation that holds for so long still. Whether it says anything new.
    pub fn revoke(&self, revocation: &Revocation, left: Duration) -> bool {
        self.revoked.learn(revocation, left)
    }

    /// Whether what was granted holds no more.
    pub fn has_revoked(&self, grant: &Grant) -> bool {
        self.revoked.has(grant)
    }

    /// What is revoked, and for how long each still is.
    pub fn revoked(&self) -> Vec<(Revocation, Duration)> {
        self.revoked.forget_ended();
        self.revoked.all()
    }

    /// Keeps what it knows fresh, until `stop`; a key set is read before the first wait.
    pub async fn run(&self, stop: CancellationToken) {
        let Some(set) = &self.key_set else { return stop.cancelled().await };
        set.refreshed().await;
        set.run(stop).await;
    }
}

fn source(
    config: &TokenConfig,
    client: impl FnOnce() -> Result<Client, RootsError>,
) -> Result<Option<Source>, RootsError> {
    Ok(match &config.keys {
        KeySource::One(_) => None,
        KeySource::File(path) => Some(Source::File(path.clone())),
        KeySource::Url { url, refresh } => {
            Some(Source::Url { url: url.clone(), refresh: *refresh, client: Box::new(client()?) })
        }
    })
}
