//! Which audiences a node has members for, so that it hears nothing else.

use std::sync::Arc;

use notice::Audience;

use crate::{
    embedded::{Bus, Ear},
    error::BusError,
};

/// One node's wish to hear some audiences, counted by member.
#[derive(Clone, Debug)]
pub struct Interest {
    bus: Arc<Bus>,
    ear: Arc<Ear>,
}

impl Interest {
    pub(crate) fn new(bus: Arc<Bus>, ear: Arc<Ear>) -> Self {
        Self { bus, ear }
    }

    /// Counts one more member of `audience` on this node. When this has returned, every notice that
    /// is accepted from then on arrives in the node's inbox.
    ///
    /// Fails when as many audiences are listened to as the bus allows; nothing was counted then.
    #[expect(clippy::unused_async, reason = "a bus between processes waits for its confirmation")]
    pub async fn enter(&self, audience: &Audience) -> Result<(), BusError> {
        self.bus.enter(&self.ear, audience)
    }

    /// Counts one member less, which must have entered. After the last one the node still hears the
    /// audience for [`Config::interest_linger`](crate::Config::interest_linger).
    pub fn leave(&self, audience: &Audience) {
        self.bus.leave(&self.ear, audience);
    }
}
