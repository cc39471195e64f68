//! What was granted and holds no more: known to all nodes, and kept for those that come later.

use std::{sync::Arc, time::Duration};

use notice::Revocation;

use crate::{embedded, error::RevocationError, redis};

/// The one list of the cluster.
#[derive(Clone, Debug)]
pub struct Revocations {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded(Arc<embedded::RevokedList>),
    Redis(Arc<redis::Bus>),
}

/// How far the list was read. The default: not at all. It goes back where the list has lost its end.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mark(pub(crate) u64);

/// A revocation that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InForce {
    pub revocation: Revocation,
    /// For how long it still is.
    pub left: Duration,
}

/// What was revoked after a mark, in the order in which the list took it.
#[derive(Clone, Debug, Default)]
pub struct News {
    pub revocations: Vec<InForce>,
    /// Where to read on.
    pub mark: Mark,
    /// There is more already.
    pub more: bool,
}

impl Revocations {
    pub(crate) fn of_embedded(list: Arc<embedded::RevokedList>) -> Self {
        Self { road: Road::Embedded(list) }
    }

    pub(crate) fn of_redis(bus: Arc<redis::Bus>) -> Self {
        Self { road: Road::Redis(bus) }
    }

    /// Puts a revocation on the list, for as long as `keep`. Whoever reads once this has returned reads it.
    /// Where the list has one about the same already, the later instant and the later end hold.
    pub async fn add(
        &self,
        revocation: &Revocation,
        keep: Duration,
    ) -> Result<(), RevocationError> {
        match &self.road {
            Road::Embedded(list) => list.add(revocation, keep),
            Road::Redis(bus) => bus.revoke(revocation, keep).await,
        }
    }

    /// What was added or changed after `mark`, some of it if it is much. A list that never got so far, because
    /// it has lost something, is read from its beginning.
    pub async fn since(&self, mark: Mark) -> Result<News, RevocationError> {
        match &self.road {
            Road::Embedded(list) => Ok(list.since(mark)),
            Road::Redis(bus) => bus.revoked_since(mark).await,
        }
    }
}
