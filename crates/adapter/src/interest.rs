//! Which audiences a node has members for, so that it hears nothing else.

use std::sync::Arc;

use notice::Audience;

use crate::{embedded, error::BusError, redis};

/// One node's wish to hear some audiences, counted by member.
#[derive(Clone, Debug)]
pub struct Interest {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded { bus: Arc<embedded::Bus>, ear: Arc<embedded::Ear> },
    Redis(Arc<redis::Ears>),
}

impl Interest {
    pub(crate) fn of_embedded(bus: Arc<embedded::Bus>, ear: Arc<embedded::Ear>) -> Self {
        Self { road: Road::Embedded { bus, ear } }
    }

    pub(crate) fn of_redis(ears: Arc<redis::Ears>) -> Self {
        Self { road: Road::Redis(ears) }
    }

    /// Counts one more member of `audience` on this node. When this has returned, every notice that
    /// is accepted from then on arrives in the node's inbox.
    ///
    /// Fails when as many audiences are listened to as the bus allows, or when it does not answer;
    /// nothing was counted then. Cancellation-safe: dropped half-way, nothing was counted either.
    pub async fn enter(&self, audience: &Audience) -> Result<(), BusError> {
        match &self.road {
            Road::Embedded { bus, ear } => bus.enter(ear, audience),
            Road::Redis(ears) => ears.enter(audience).await,
        }
    }

    /// Counts one member less, which must have entered. After the last one the node still hears the
    /// audience for [`Config::interest_linger`](crate::Config::interest_linger).
    pub fn leave(&self, audience: &Audience) {
        match &self.road {
            Road::Embedded { bus, ear } => bus.leave(ear, audience),
            Road::Redis(ears) => ears.leave(audience),
        }
    }
}
