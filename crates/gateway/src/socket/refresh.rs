//! The event `token`: a socket that stays shows what it may stay by.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use auth::Denial;
use notice::{RoomPatterns, Scope};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    admission::{Plea, ask},
    connect::end_membership,
    identity::{Identity, text},
    query::Query,
};
use crate::{departure::Departure, login, refusal::Refusal, seat::Seat};

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
    let plea = Plea {
        namespace: seat.namespace.as_str(),
        identity: &Identity::default(),
        token: token.as_deref(),
        query: Query::default(),
        auth: Some(first.get()),
        brought: session.brought.as_deref(),
        address: session.address,
    };
    let grant = ask(&session.shared, plea).await?;
    let Some(grant) = grant else { return Ok(ends(None)) };
    if seat.user.as_ref() != Some(&grant.user) {
        return Err(Refusal::NotTheUser);
    }
    let answer = ends(grant.expires);
    let old = seat.pass.renew(seat, grant);
    if seat.pass.is_revoked(&session.shared.gate) {
        // Revoked between the two, where nobody looked for it.
        seat.put_out(Departure::Revoked, None);
        return Err(Refusal::Denied(Denial::Revoked));
    }
    if let Some(old) = old {
        leave_what_closed(seat, &old.rooms).await;
    }
    Ok(answer)
}

/// Takes the seat out of rooms that `old` opened and its pass does not any more. Where a backend has put it,
/// it stays.
async fn leave_what_closed(seat: &Arc<Seat>, old: &RoomPatterns) {
    for audience in seat.places.audiences() {
        let Scope::Room(room) = &audience.scope else { continue };
        if !old.cover(room) || seat.pass.opens(room) {
            continue;
        }
        if login::is_held(&audience) {
            login::leave(seat, &audience).await;
        } else {
            end_membership(seat, &audience);
        }
    }
}

fn ends(expires: Option<SystemTime>) -> String {
    let seconds = expires.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let seconds = seconds.map_or("null".to_owned(), |at| at.as_secs().to_string());
    format!("{{\"expires\":{seconds}}}")
}
