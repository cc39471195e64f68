//! `POST /v1/revocations` and `GET /v1/revocations`: what was granted and holds no more, in the whole cluster.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use adapter::RevocationError;
use axum::{Json, body::Bytes, extract::State};
use notice::{Revocation, Revoked, TokenId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{address::InQuery, bounds::len_max, emit::name, error::ApiError};
use crate::{
    others,
    questions::{Answer, Question},
    shared::Shared,
};

/// By how much an instant may lie ahead: clocks differ.
const AHEAD_MAX: Duration = Duration::from_mins(1);

/// Whose tokens, and of before when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(default)]
    token: Option<String>,
    /// Seconds since the Unix epoch.
    #[serde(default)]
    before: Option<f64>,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    /// So many were put out.
    sockets: usize,
    /// Living nodes that have not said that they know. They learn of it as soon as they can reach the store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<usize>,
}

/// What this node goes by.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    revocations: Vec<Listed>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    /// The store could not be read just now: there may be others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    behind: bool,
}

/// Neither a user nor a token: everyone. Times are seconds since the Unix epoch.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Of one token it does not matter when it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<f64>,
    kept_until: u64,
}

pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Told>, ApiError> {
    if shared.gate.is_open() {
        return Err(ApiError::Invalid {
            message: "auth.mode is none, so nothing was granted that could be revoked".to_owned(),
            hint: Some("POST /v1/sockets/disconnect puts sockets out"),
        });
    }
    let (revocation, keep) = read(&body, SystemTime::now(), shared.config.revocation_keep)?;
    let added = shared.revocations.add(&revocation, keep).await;
    added.map_err(|error| refused(&shared, &error))?;
    let here = sockets(&shared.revocations.look().await);
    let others = others::ask_all(&shared, &Question::Revoked).await;
    let others = others.map_err(|error| ApiError::nodes(&shared, &error))?;
    let mut missing = others.missing;
    if here.is_none() {
        missing.push(shared.config.node.to_string());
    }
    let there: usize = others.answers.iter().filter_map(sockets).sum();
    Ok(Json(Told { sockets: here.unwrap_or_default() + there, missing }))
}

fn sockets(answer: &Answer) -> Option<usize> {
    if let Answer::Done(done) = answer { Some(done.sockets) } else { None }
}

fn refused(shared: &Shared, error: &RevocationError) -> ApiError {
    match error {
        RevocationError::Full { .. } => ApiError::RevocationsFull,
        RevocationError::Unreachable | RevocationError::Broken { .. } => {
            shared.events.not_revoked(error);
            ApiError::NotRevoked
        }
    }
}

/// What is to be revoked, and how long that must be kept: until no token can live that it is about.
fn read(body: &[u8], now: SystemTime, keep: Duration) -> Result<(Revocation, Duration), ApiError> {
    let body = serde_json::from_slice(body).map_err(|error| ApiError::unread(&error));
    let Body { user, token, before } = body?;
    let bad = |error: notice::NameError| ApiError::invalid(error.to_string());
    let whom = match (user, &token, before) {
        (Some(user), None, _) => Revoked::User(UserId::new(&name(user)?).map_err(bad)?),
        (None, Some(token), None) if auth::is_token(token) => {
            return Err(ApiError::Invalid {
                message: "token: is a whole token, and its id is asked for".to_owned(),
                hint: Some("its claim jti; without one, revoke the user"),
            });
        }
        (None, Some(token), None) => Revoked::Token(TokenId::new(token).map_err(bad)?),
        (None, None, Some(_)) => Revoked::Everyone,
        (None, Some(_), Some(_)) => {
            return Err(ApiError::invalid("before: not for one token"));
        }
        _ => return Err(ApiError::invalid("name one of user, token, or before alone")),
    };
    let before = before.map(instant).transpose()?.unwrap_or(now);
    if before > now + AHEAD_MAX {
        return Err(ApiError::invalid("before: lies ahead"));
    }
    let age = now.duration_since(before).unwrap_or_default();
    let left = keep.checked_sub(age).filter(|left| !left.is_zero());
    let left = left.ok_or_else(|| ApiError::Invalid {
        message: "before: so long ago that no token of then is alive".to_owned(),
        hint: Some("auth.revocation_keep says how long a token may live"),
    })?;
    Ok((Revocation { whom, before }, left))
}

fn instant(seconds: f64) -> Result<SystemTime, ApiError> {
    let since = Duration::try_from_secs_f64(seconds).ok();
    let instant = since.and_then(|since| UNIX_EPOCH.checked_add(since));
    instant.ok_or_else(|| ApiError::invalid("before: is no time in seconds since the Unix epoch"))
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    InQuery(asked): InQuery<Asked>,
) -> Result<Json<Listing>, ApiError> {
    let len_max = len_max(asked.limit)?;
    let known = shared.gate.revoked();
    let more = known.len() > len_max;
    let now = SystemTime::now();
    let revocations = known.into_iter().take(len_max).map(|(it, left)| listed(it, now + left));
    let behind = shared.revocations.is_behind();
    Ok(Json(Listing { revocations: revocations.collect(), more, behind }))
}

fn listed(revocation: Revocation, until: SystemTime) -> Listed {
    let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let kept_until = seconds(until).as_secs();
    let before = Some(seconds(revocation.before).as_secs_f64());
    match revocation.whom {
        Revoked::Everyone => Listed { user: None, token: None, before, kept_until },
        Revoked::User(user) => {
            Listed { user: Some(user.to_string()), token: None, before, kept_until }
        }
        Revoked::Token(token) => {
            Listed { user: None, token: Some(token.to_string()), before: None, kept_until }
        }
    }
}

#[cfg(test)]
mod tests {
    //! What a call revokes, and for how long.

    use super::*;

    const KEEP: Duration = Duration::from_hours(1);

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn revoked(body: &str) -> Option<(String, SystemTime, Duration)> {
        let (Revocation { whom, before }, left) = read(body.as_bytes(), at(9_000), KEEP).ok()?;
        Some((whom.to_string(), before, left))
    }

    #[test]
    fn a_user_is_revoked_until_now_or_until_before() {
        assert_eq!(revoked(r#"{"user":5}"#), Some(("user:5".into(), at(9_000), KEEP)));
        let left = Duration::from_secs(2_600);
        assert_eq!(
            revoked(r#"{"user":"5","before":8000}"#),
            Some(("user:5".into(), at(8_000), left))
        );
    }

    #[test]
    fn one_token_is_revoked_by_its_id_and_everyone_by_an_instant_alone() {
        assert_eq!(revoked(r#"{"token":"a"}"#), Some(("token:a".into(), at(9_000), KEEP)));
        assert_eq!(revoked(r#"{"before":9000}"#), Some(("everyone".into(), at(9_000), KEEP)));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in [
            "{}",
            r#"{"user":5,"token":"a"}"#,
            r#"{"token":"a","before":8000}"#,
            r#"{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1In0.c2lnbmF0dXJl"}"#,
            r#"{"before":9999}"#,
            r#"{"before":-1}"#,
            r#"{"before":1}"#,
            r#"{"user":""}"#,
            r#"{"everyone":true}"#,
        ] {
            assert_eq!(revoked(bad), None, "{bad}");
        }
    }
}
