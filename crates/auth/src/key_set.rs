//! A set of keys (RFC 7517 §5) that changes under us: read from a file or fetched from a URL, and again.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse},
};
use parking_lot::RwLock;
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{AskError, Client},
    config::TokenConfig,
    events::{Events, Refresh},
    tokens::TrustedKey,
};

/// How many keys of a set are kept.
const KEYS_MAX: usize = 64;
/// The largest set.
const SET_BYTES_MAX: u64 = 256 * 1024;
/// How long a fetch may take.
const FETCH_LIMIT: Duration = Duration::from_secs(5);
/// A token with an unknown key makes the set be fetched, but not more often than this.
const FETCH_PAUSE: Duration = Duration::from_secs(10);
/// How often a file is looked at.
const FILE_PERIOD: Duration = Duration::from_secs(5);
/// How long to wait after a set could not be had.
const RETRY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct KeySet {
    source: Source,
    rules: TokenConfig,
    events: Events,
    /// Absent until a set was read. What is known stays known while no newer set can be had.
    known: RwLock<Option<Arc<[Arc<TrustedKey>]>>>,
    /// Held while a set is being read; when the last try was.
    reading: Mutex<Option<Instant>>,
}

#[derive(Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Url { url: Uri, refresh: Duration, client: Box<Client> },
}

impl KeySet {
    pub(crate) fn new(source: Source, rules: TokenConfig, events: Events) -> Self {
        Self { source, rules, events, known: RwLock::new(None), reading: Mutex::new(None) }
    }

    /// Reads the set again now and then, until `stop`.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        loop {
            let period = match (&self.source, self.is_loaded()) {
                (Source::File(_), _) => FILE_PERIOD,
                (Source::Url { refresh, .. }, true) => *refresh,
                (Source::Url { refresh, .. }, false) => RETRY.min(*refresh),
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
            let mut tried = self.reading.lock().await;
            self.read_again(&mut tried).await;
        }
    }

    /// Reads the set now, unless that was just tried: whoever waits meanwhile has the fruit of it.
    pub(crate) async fn refreshed(&self) {
        let mut tried = self.reading.lock().await;
        if tried.is_none_or(|at| at.elapsed() >= FETCH_PAUSE) {
            self.read_again(&mut tried).await;
        }
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.known.read().is_some()
    }

    /// The keys of this name; without one, all.
    pub(crate) fn find(&self, name: Option<&str>) -> Vec<Arc<TrustedKey>> {
        let known = self.known.read().clone();
        let fits = |key: &&Arc<TrustedKey>| name.is_none() || key.name.as_deref() == name;
        known.iter().flat_map(|keys| keys.iter()).filter(fits).cloned().collect()
    }

    async fn read_again(&self, tried: &mut Option<Instant>) {
        *tried = Some(Instant::now());
        match self.read().await {
            Ok(keys) if keys.is_empty() => self.events.keys(Refresh::Empty),
            Ok(keys) => {
                *self.known.write() = Some(keys.into());
                self.events.keys(Refresh::Read);
            }
            Err(error) => self.events.keys(Refresh::Failed(error)),
        }
    }

    async fn read(&self) -> Result<Vec<Arc<TrustedKey>>, AskError> {
        let json = match &self.source {
            Source::File(path) => read_file(path).await?,
            Source::Url { url, client, .. } => client.get(url, FETCH_LIMIT).await?,
        };
        let set: JwkSet = serde_json::from_slice(&json)
            .map_err(|error| AskError::Unreadable(error.to_string()))?;
        // A secret in a set that everyone may read is no secret.
        let takes_secrets = matches!(self.source, Source::File(_));
        let keys = set.keys.iter().filter(|key| takes_secrets || !is_secret(key));
        Ok(keys.filter_map(|key| self.trusted(key)).take(KEYS_MAX).map(Arc::new).collect())
    }

    /// What is for another use, or of a kind that is not known here, is passed over (RFC 7517 §5).
    fn trusted(&self, key: &Jwk) -> Option<TrustedKey> {
        let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        let verifying = DecodingKey::from_jwk(key).ok().filter(|_| signs)?;
        TrustedKey::new(key.common.key_id.clone(), verifying, &self.rules)
    }
}

fn is_secret(key: &Jwk) -> bool {
    matches!(key.algorithm, AlgorithmParameters::OctetKey(_))
}

async fn read_file(path: &Path) -> Result<Bytes, AskError> {
    let path = path.to_owned();
    let read = move || {
        if std::fs::metadata(&path)?.len() > SET_BYTES_MAX {
            return Ok(None);
        }
        std::fs::read(&path).map(Some)
    };
    let read = tokio::task::spawn_blocking(read).await;
    match read {
        Ok(Ok(Some(bytes))) => Ok(bytes.into()),
        Ok(Ok(None)) => Err(AskError::TooLarge),
        Ok(Err(error)) => Err(AskError::Broken(Box::<dyn std::error::Error + Send + Sync>::from(
            error as std::io::Error,
        ))),
        Err(stopped) => Err(AskError::Broken(stopped.into())),
    }
}
