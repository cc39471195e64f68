//! Whether somebody may sit in a namespace, and as whom.

use std::net::IpAddr;

use auth::{Grant, Shown};
use notice::{Audience, Namespace, Scope};

use super::{brought::Brought, identity::Identity, query::Query};
use crate::{refusal::Refusal, shared::Shared};

/// Who asks for which seat, and all that speaks for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plea<'a> {
    pub(crate) namespace: &'a str,
    /// What the client says of itself; believed where nobody asks for more.
    pub(crate) identity: &'a Identity,
    /// Shown for this namespace, before what the transport brought.
    pub(crate) token: Option<&'a str>,
    pub(crate) query: Query<'a>,
    pub(crate) auth: Option<&'a str>,
    pub(crate) brought: Option<&'a Brought>,
    pub(crate) address: IpAddr,
}

/// A seat that may be taken.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) namespace: Namespace,
    pub(crate) identity: Identity,
    /// Absent where nobody asks who a client is.
    pub(crate) grant: Option<Grant>,
}

/// Whether the plea is heard. What costs nothing is looked at before the gate is asked.
pub(crate) async fn admit(shared: &Shared, plea: Plea<'_>) -> Result<Admitted, Refusal> {
    let known = shared.config.namespaces.iter().find(|known| known.as_str() == plea.namespace);
    let namespace = known.cloned().ok_or(Refusal::UnknownNamespace)?;
    let grant = shown(shared, plea).await?;
    let identity = match &grant {
        Some(grant) => bound(plea.identity.clone(), grant)?,
        None => plea.identity.clone(),
    };
    let Some(user) = &identity.user else {
        let is_required = namespace.as_str() == Namespace::NOTICE;
        return if is_required {
            Err(Refusal::UserRequired)
        } else {
            Ok(Admitted { namespace, identity, grant })
        };
    };
    let audience = Audience { namespace: namespace.clone(), scope: Scope::User(user.clone()) };
    let is_full = shared.hub.count(&audience) >= shared.config.limits.sockets_per_user;
    if is_full { Err(Refusal::TooManySockets) } else { Ok(Admitted { namespace, identity, grant }) }
}

async fn shown(shared: &Shared, plea: Plea<'_>) -> Result<Option<Grant>, Refusal> {
    if shared.gate.is_open() {
        return Ok(None);
    }
    let transport = plea.brought.map(Brought::query).unwrap_or_default();
    let (own, given) = (plea.query.get("token"), transport.get("token"));
    let token = plea.token.or(own.as_deref()).or(given.as_deref());
    let mut query = transport.pairs();
    query.extend(plea.query.pairs());
    let shown = Shown {
        token: token.or_else(|| plea.brought.and_then(Brought::token)),
        namespace: plea.namespace,
        query: &query,
        auth: plea.auth,
        headers: plea.brought.map_or(&[], Brought::headers),
        address: plea.address,
    };
    shared.gate.admit(&shown).await.map_err(Refusal::Denied)
}

/// Whoever names a user or a room beside the grant must name what it grants.
fn bound(identity: Identity, grant: &Grant) -> Result<Identity, Refusal> {
    if identity.user.as_ref().is_some_and(|user| *user != grant.user) {
        return Err(Refusal::NotTheUser);
    }
    if identity.room.as_ref().is_some_and(|room| !grant.rooms.allow(room)) {
        return Err(Refusal::RoomNotGranted);
    }
    Ok(Identity { user: Some(grant.user.clone()), ..identity })
}
