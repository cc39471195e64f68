//! Signs tokens, for `carillon token` and for tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use notice::{RoomPattern, UserId};
use serde::Serialize;
use thiserror::Error;

use crate::{algorithms::Algorithms, key::Key};

/// Signs what the same key verifies.
#[derive(Debug)]
pub struct Signer<'a> {
    key: &'a EncodingKey,
    algorithms: Vec<Algorithm>,
    issuer: Option<String>,
    audience: Option<String>,
}

#[derive(Debug, Error)]
pub enum SignError {
    #[error("sign a token: the key is a public one, which only verifies")]
    PublicKey,
    #[error("sign a token: none of the algorithms {algorithms} fits the key")]
    NoAlgorithm { algorithms: Algorithms },
    #[error("sign a token")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    /// By which this one token can be revoked.
    jti: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rooms: Vec<String>,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl<'a> Signer<'a> {
    pub fn new(key: &'a Key, algorithms: &Algorithms) -> Result<Self, SignError> {
        let fitting = algorithms.of(key.family());
        if fitting.is_empty() {
            return Err(SignError::NoAlgorithm { algorithms: algorithms.clone() });
        }
        let key = key.signing().ok_or(SignError::PublicKey)?;
        Ok(Self { key, algorithms: fitting, issuer: None, audience: None })
    }

    /// What a token that is to be taken must say, where the settings ask for it.
    #[must_use]
    pub fn naming(mut self, issuer: Option<String>, audience: Option<String>) -> Self {
        (self.issuer, self.audience) = (issuer, audience);
        self
    }

    /// A token of `user`, from now for `ttl`.
    pub fn sign(
        &self,
        user: &UserId,
        rooms: &[RoomPattern],
        ttl: Duration,
    ) -> Result<String, SignError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            sub: user.as_str(),
            jti: format!("{:032x}", rand::random::<u128>()),
            rooms: rooms.iter().map(ToString::to_string).collect(),
            iat: now,
            exp: now.saturating_add(ttl.as_secs()),
            iss: self.issuer.as_deref(),
            aud: self.audience.as_deref(),
        };
        // A curve has one algorithm, and which one is only known by trying.
        let signed = self
            .algorithms
            .iter()
            .map(|algorithm| encode(&Header::new(*algorithm), &claims, self.key));
        let mut last = None;
        for outcome in signed {
            match outcome {
                Ok(token) => return Ok(token),
                Err(error) => last = Some(error),
            }
        }
        Err(SignError::Sign(last.expect("there is at least one algorithm")))
    }
}
