//! Whether somebody may sit in a namespace, and as whom.

use std::{net::IpAddr, time::SystemTime};

use auth::{Grant, Shown};
use notice::{Audience, Namespace, Scope};
use tokio::time::Instant;

use super::{
    brought::Brought,
    identity::{Identity, Source},
    query::Query,
};
use crate::{refusal::Refusal, shared::Shared};

/// Who asks for which seat, and all that speaks for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plea<'a> {
    pub(crate) namespace: &'a str,
    /// What the client says of itself; believed where nobody asks for more.
    pub(crate) identity: &'a Identity,
    pub(crate) token: Option<&'a str>,
    /// The namespace's own, beside the transport's.
    pub(crate) query: Query<'a>,
    pub(crate) auth: Option<&'a str>,
    pub(crate) brought: Option<&'a Brought>,
    pub(crate) address: IpAddr,
}

/// A seat that may be taken.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) namespace: Namespace,
    pub(crate) identity: Identity,
    /// Absent where nobody asks who a client is.
    pub(crate) grant: Option<Grant>,
    /// When it was asked for.
    pub(crate) since: Instant,
}

/// Whether the plea is heard. What costs nothing is looked at before the gate is asked.
pub(crate) async fn admit(shared: &Shared, plea: Plea<'_>) -> Result<Admitted, Refusal> {
    let since = Instant::now();
    let known = shared.config.namespaces.iter().find(|known| known.as_str() == plea.namespace);
    let namespace = known.cloned().ok_or(Refusal::UnknownNamespace)?;
    let grant = ask(shared, plea).await?;
    let identity = match &grant {
        Some(grant) => bound(plea.identity.clone(), grant)?,
        None => plea.identity.clone(),
    };
    let Some(user) = &identity.user else {
        let is_required = namespace.as_str() == Namespace::NOTICE;
        return if is_required {
            Err(Refusal::UserRequired)
        } else {
            Ok(Admitted { namespace, identity, grant, since })
        };
    };
    let audience = Audience { namespace: namespace.clone(), scope: Scope::User(user.clone()) };
    let is_full = shared.hub.count(&audience) >= shared.config.limits.sockets_per_user;
    if is_full {
        return Err(Refusal::TooManySockets);
    }
    Ok(Admitted { namespace, identity, grant, since })
}

/// The token of a newcomer: shown for this namespace, or else brought by the transport, the query first.
pub(crate) fn token_of<'a>(
    own: &'a Source<'_>,
    transport: &'a Source<'_>,
    brought: Option<&'a Brought>,
) -> Option<&'a str> {
    own.token().or(transport.token()).or_else(|| brought.and_then(Brought::token))
}

/// What the gate says; `None` where nobody asks who a client is.
pub(super) async fn ask(shared: &Shared, plea: Plea<'_>) -> Result<Option<Grant>, Refusal> {
    if shared.gate.is_open() {
        return Ok(None);
    }
    let mut query = plea.brought.map(|brought| brought.query().pairs()).unwrap_or_default();
    query.extend(plea.query.pairs());
    let shown = Shown {
        token: plea.token,
        namespace: plea.namespace,
        query: &query,
        auth: plea.auth,
        headers: plea.brought.map_or(&[], Brought::headers),
        address: plea.address,
    };
    let grant = shared.gate.admit(&shown).await.map_err(Refusal::Denied)?;
    let expires = grant.as_ref().and_then(|grant| grant.expires);
    if expires.is_some_and(|at| at > SystemTime::now() + shared.config.revocation_keep) {
        shared.events.outlives();
    }
    Ok(grant)
}

/// Whoever names a user or a room beside the grant must name what it grants.
fn bound(identity: Identity, grant: &Grant) -> Result<Identity, Refusal> {
    if identity.user.as_ref().is_some_and(|user| *user != grant.user) {
        return Err(Refusal::NotTheUser);
    }
    if identity.room.as_ref().is_some_and(|room| !grant.rooms.cover(room)) {
        return Err(Refusal::RoomNotGranted);
    }
    Ok(Identity { user: Some(grant.user.clone()), ..identity })
}
