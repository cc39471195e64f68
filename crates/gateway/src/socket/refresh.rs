//! The event `token`: a socket that stays shows what it may stay by.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use auth::Shown;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{brought::Brought, identity::text};
use crate::{refusal::Refusal, seat::Seat};

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    token: Option<&'a RawValue>,
}

/// Takes `("<token>")`, or `({…})` as a client's `auth` would be. The answer's JSON says when the seat ends
/// now, in seconds since the Unix epoch.
pub(crate) async fn refresh(seat: &Arc<Seat>, args: &str) -> Result<String, Refusal> {
    let session = &seat.session;
    let list = format!("[{args}]");
    let malformed = || Refusal::AuthMalformed;
    let args: Vec<&RawValue> = serde_json::from_str(&list).map_err(|_| malformed())?;
    let first = *args.first().ok_or_else(malformed)?;
    let is_object = first.get().starts_with('{');
    let token = if is_object {
        serde_json::from_str::<Fields<'_>>(first.get()).map_err(|_| malformed())?.token
    } else {
        Some(first)
    };
    let token = text(token).map_err(|()| malformed())?;
    let brought = session.brought.as_deref();
    let query = brought.map(|brought| brought.query().pairs()).unwrap_or_default();
    let shown = Shown {
        token: token.as_deref(),
        namespace: seat.namespace.as_str(),
        query: &query,
        auth: Some(first.get()),
        headers: brought.map_or(&[], Brought::headers),
        address: session.address,
    };
    let grant = session.shared.gate.admit(&shown).await.map_err(Refusal::Denied)?;
    let Some(grant) = grant else { return Ok(ends(None)) };
    if seat.user.as_ref() != Some(&grant.user) {
        return Err(Refusal::NotTheUser);
    }
    let answer = ends(grant.expires);
    seat.pass.renew(seat, grant);
    Ok(answer)
}

fn ends(expires: Option<SystemTime>) -> String {
    let seconds = expires.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let seconds = seconds.map_or("null".to_owned(), |at| at.as_secs().to_string());
    format!("{{\"expires\":{seconds}}}")
}
