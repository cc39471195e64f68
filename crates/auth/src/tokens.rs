//! Reads tokens: JSON Web Tokens (RFC 7519) signed as in RFC 7515.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use jsonwebtoken::{
    DecodingKey, Header, Validation, decode, decode_header,
    errors::{Error, ErrorKind},
};

use crate::{
    claims::Claims,
    config::{KeySource, TokenConfig},
    denial::Denial,
    grant::Grant,
    key_set::KeySet,
};

/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// How many keys without a name are tried for one token.
const TRIES_MAX: usize = 8;

/// Whether a text has the form of a token (RFC 7515 §3.1), which nobody may be shown: a header that is an object, and
/// two parts more.
pub fn is_token(text: &str) -> bool {
    text.trim_start().starts_with("eyJ") && text.matches('.').count() == 2
}

/// A key with the rules for what it has signed.
#[derive(Clone, Debug)]
pub(crate) struct TrustedKey {
    /// Its `kid`.
    pub(crate) name: Option<String>,
    key: DecodingKey,
    rules: Validation,
}

#[derive(Debug)]
pub(crate) struct Tokens {
    keys: Keys,
    leeway: Duration,
}

#[derive(Debug)]
enum Keys {
    One(Arc<TrustedKey>),
    Set(Arc<KeySet>),
}

impl TrustedKey {
    /// `None` if none of the algorithms that are taken fits the key.
    pub(crate) fn new(
        name: Option<String>,
        key: DecodingKey,
        config: &TokenConfig,
    ) -> Option<Self> {
        let algorithms = config.algorithms.of(key.family());
        let mut rules = Validation::new(*algorithms.first()?);
        rules.algorithms = algorithms;
        rules.leeway = config.leeway.as_secs();
        rules.validate_nbf = true;
        // The library checks a claim that is there; that it must be there has to be said.
        let mut required = vec!["exp"];
        if !config.issuers.is_empty() {
            required.push("iss");
            rules.set_issuer(&config.issuers);
        }
        if !config.audiences.is_empty() {
            required.push("aud");
            rules.set_audience(&config.audiences);
        }
        rules.set_required_spec_claims(&required);
        Some(Self { name, key, rules })
    }

    fn read(&self, token: &str) -> Result<Claims, Denial> {
        decode(token, &self.key, &self.rules).map(|token| token.claims).map_err(|error| why(&error))
    }

    fn takes(&self, header: &Header) -> bool {
        self.rules.algorithms.contains(&header.alg)
    }
}

impl Tokens {
    /// `None` if the one key fits none of the algorithms.
    pub(crate) fn of_key(config: &TokenConfig) -> Option<Self> {
        let KeySource::One(key) = &config.keys else { return None };
        let key = TrustedKey::new(None, key.verifying().clone(), config)?;
        Some(Self { keys: Keys::One(Arc::new(key)), leeway: config.leeway })
    }

    pub(crate) fn of_set(set: Arc<KeySet>, config: &TokenConfig) -> Self {
        Self { keys: Keys::Set(set), leeway: config.leeway }
    }

    /// What a token grants. Waits only where a key set has to be fetched.
    pub(crate) async fn read(&self, token: &str) -> Result<Grant, Denial> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Denial::Malformed);
        }
        let header = decode_header(token).map_err(|error| why(&error))?;
        // Extensions that must be understood, and none is (RFC 7515 §4.1.11).
        if header.crit.as_ref().is_some_and(|names| !names.is_empty()) {
            return Err(Denial::Malformed);
        }
        let claims = match &self.keys {
            Keys::One(key) => key.read(token)?,
            Keys::Set(set) => read_by_set(set, &header, token).await?,
        };
        claims.grant(SystemTime::now(), self.leeway)
    }
}

async fn read_by_set(set: &KeySet, header: &Header, token: &str) -> Result<Claims, Denial> {
    let name = header.kid.as_deref();
    let mut keys = set.find(name);
    if keys.is_empty() && name.is_some() {
        set.refreshed().await;
        keys = set.find(name);
    }
    if keys.is_empty() {
        return Err(if set.is_loaded() { Denial::UnknownKey } else { Denial::Unreachable });
    }
    let fitting = keys.iter().filter(|key| key.takes(header)).take(TRIES_MAX);
    let mut last = Denial::Algorithm;
    for key in fitting {
        match key.read(token) {
            Err(denial @ Denial::Signature) => last = denial,
            decided => return decided,
        }
    }
    Err(last)
}

fn why(error: &Error) -> Denial {
    match error.kind() {
        ErrorKind::InvalidSignature => Denial::Signature,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::MissingAlgorithm => Denial::Algorithm,
        ErrorKind::ExpiredSignature => Denial::Expired,
        ErrorKind::ImmatureSignature => Denial::Early,
        ErrorKind::InvalidIssuer => Denial::Issuer,
        ErrorKind::InvalidAudience => Denial::Audience,
        ErrorKind::MissingRequiredClaim(name) => match name.as_str() {
            "iss" => Denial::Issuer,
            "aud" => Denial::Audience,
            _ => Denial::NoExpiry,
        },
        _ => Denial::Malformed,
    }
}

#[cfg(test)]
mod tests;
