//! What a token says (RFC 7519 §4.1), as it is written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notice::{RoomPattern, RoomPatterns, TokenId, UserId};
use serde::Deserialize;

use crate::{
    denial::Denial,
    grant::{Grant, Proof},
};

/// How many patterns of rooms one grant may hold.
const ROOMS_MAX: usize = 256;

#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    #[serde(default)]
    sub: Option<Name>,
    #[serde(default)]
    rooms: Option<OneOrMany>,
    #[serde(default)]
    exp: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    jti: Option<String>,
}

/// Ids are strings; a JSON number means its decimal text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Name {
    Text(String),
    Number(serde_json::Number),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(Name),
    Many(Vec<Name>),
}

impl Claims {
    /// What the signed claims grant at `now`. `exp`, `nbf`, `iss` and `aud` have been checked.
    pub(crate) fn grant(self, now: SystemTime, leeway: Duration) -> Result<Grant, Denial> {
        let sub = self.sub.ok_or(Denial::Subject)?;
        let user = UserId::new(&sub.into_text()).map_err(|_| Denial::Subject)?;
        let expires = time(self.exp.ok_or(Denial::NoExpiry)?)?.checked_add(leeway);
        let issued = self.iat.map(time).transpose()?;
        if issued.is_some_and(|issued| issued > now + leeway) {
            return Err(Denial::Early);
        }
        let id = self.jti.map(|id| TokenId::new(&id)).transpose().map_err(|_| Denial::Malformed)?;
        let proof = Proof::Token { id, issued };
        Ok(Grant { user, rooms: rooms(self.rooms)?, expires, proof })
    }
}

impl Name {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// The rooms of a token or of a backend's answer.
pub(crate) fn rooms(given: Option<OneOrMany>) -> Result<RoomPatterns, Denial> {
    let names = match given {
        None => Vec::new(),
        Some(OneOrMany::One(one)) => vec![one],
        Some(OneOrMany::Many(many)) => many,
    };
    if names.len() > ROOMS_MAX {
        return Err(Denial::Malformed);
    }
    let pattern = |name: Name| RoomPattern::new(&name.into_text());
    let patterns: Result<_, _> = names.into_iter().map(pattern).collect();
    patterns.map_err(|_| Denial::Malformed)
}

/// Seconds since the Unix epoch, perhaps with a fraction (RFC 7519 §2, `NumericDate`).
pub(crate) fn time(seconds: f64) -> Result<SystemTime, Denial> {
    let since = Duration::try_from_secs_f64(seconds).map_err(|_| Denial::Malformed)?;
    UNIX_EPOCH.checked_add(since).ok_or(Denial::Malformed)
}

#[cfg(test)]
mod tests {
    //! What of a grant has a limit.

    use super::*;

    #[test]
    fn there_are_at_most_256_patterns_of_rooms() {
        let many = |len| OneOrMany::Many((0..len).map(|_| Name::Text("a".to_owned())).collect());
        assert_eq!(rooms(Some(many(ROOMS_MAX))).unwrap().len(), ROOMS_MAX);
        assert_eq!(rooms(Some(many(ROOMS_MAX + 1))), Err(Denial::Malformed));
    }
}
