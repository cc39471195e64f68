//! The way onto the bus.

use std::sync::Arc;

use notice::{Draft, NoticeId};

use crate::{embedded::Bus, error::PublishError};

/// Hands drafts to the bus, which numbers them, keeps what must be kept, and brings them to every
/// node that listens.
#[derive(Clone, Debug)]
pub struct Publisher {
    bus: Arc<Bus>,
}

/// What became of a draft that the bus has dealt with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Published {
    /// Numbered and on its way; `nodes` is how many listened.
    Accepted { id: NoticeId, nodes: usize },
    /// A progress not newer than the one its task shows. Nobody needs it.
    Superseded,
    /// Its task has already ended.
    AfterFinal,
}

impl Publisher {
    pub(crate) fn new(bus: Arc<Bus>) -> Self {
        Self { bus }
    }

    /// Publishes one draft in one step: whoever reads the store or an inbox sees all of it or nothing.
    ///
    /// Waits while a listening node's inbox is full. Cancellation-safe: dropped while it waits,
    /// nothing was published.
    pub async fn publish(&self, draft: Draft) -> Result<Published, PublishError> {
        self.bus.publish(draft).await
    }

    /// Publishes `drafts` in their order and answers for each. After a transient failure the rest is
    /// not tried and fails alike, so that nothing overtakes what is to be handed in again.
    ///
    /// Not cancellation-safe: dropped half-way, the caller does not learn which were published.
    pub async fn publish_all(&self, drafts: Vec<Draft>) -> Vec<Result<Published, PublishError>> {
        self.bus.publish_all(drafts).await
    }
}
