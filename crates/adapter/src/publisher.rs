//! The way onto the bus.

use std::{sync::Arc, time::Duration};

use notice::{Draft, NoticeId, Stamp};

use crate::{embedded, error::PublishError, kept_rooms::KeptRooms as _, redis};

/// Hands drafts to the bus, which numbers them, keeps what must be kept, and brings them to every
/// node that listens.
#[derive(Clone, Debug)]
pub struct Publisher {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded(Arc<embedded::Bus>),
    Redis(Arc<redis::Bus>),
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
    /// A progress whose task's last one is younger than the pace. Nothing was changed: hand it in
    /// again after `wait`, under `stamp`, unless newer came meanwhile. `stamp` is its own, or the
    /// store time of this try, so that waiting does not make it newer than what comes meanwhile.
    Early { wait: Duration, stamp: Stamp },
}

/// What became of a draft, in a word: as the metrics name it, and as a trace does.
pub fn outcome(answer: &Result<Published, PublishError>) -> &'static str {
    match answer {
        Ok(Published::Accepted { .. }) => "accepted",
        Ok(Published::Superseded) => "superseded",
        Ok(Published::AfterFinal) => "after_final",
        Ok(Published::Early { .. }) => "early",
        Err(PublishError::TooLarge { .. }) => "too_large",
        Err(PublishError::Narrowed { .. }) => "narrowed",
        Err(PublishError::Backlogged { .. }) => "backlogged",
        Err(PublishError::Full { .. }) => "full",
        Err(PublishError::Unreachable { .. }) => "unreachable",
        Err(PublishError::Unconfirmed { .. }) => "unconfirmed",
        Err(PublishError::Unreplicated { .. }) => "unreplicated",
        Err(PublishError::Broken { .. }) => "broken",
    }
}

impl Published {
    /// The notice's id, and how many nodes listened.
    pub fn accepted(&self) -> Option<(&NoticeId, usize)> {
        match self {
            Self::Accepted { id, nodes } => Some((id, *nodes)),
            _ => None,
        }
    }
}

impl Publisher {
    pub(crate) fn of_embedded(bus: Arc<embedded::Bus>) -> Self {
        Self { road: Road::Embedded(bus) }
    }

    pub(crate) fn of_redis(bus: Arc<redis::Bus>) -> Self {
        Self { road: Road::Redis(bus) }
    }

    /// The least time between two progress notices of one task.
    pub fn progress_pace(&self) -> Duration {
        match &self.road {
            Road::Embedded(bus) => bus.config().progress_pace,
            Road::Redis(bus) => bus.progress_pace(),
        }
    }

    /// Whether `draft` is for a room that is kept, alone or among others. A plain one for it alone becomes
    /// a kept one by itself.
    pub fn keeps(&self, draft: &Draft) -> bool {
        let rooms = match &self.road {
            Road::Embedded(bus) => &bus.config().kept_rooms,
            Road::Redis(bus) => bus.kept_rooms(),
        };
        rooms.named_by(draft).is_some()
    }

    /// Publishes one draft in one step: whoever reads the store or an inbox sees all of it or nothing.
    ///
    /// In memory, waits while a listening node's inbox is full, and dropped while it waits, nothing was
    /// published. Over Redis, dropped half-way, the caller does not learn whether it was.
    pub async fn publish(&self, draft: Draft) -> Result<Published, PublishError> {
        match &self.road {
            Road::Embedded(bus) => bus.publish(draft).await,
            // Its state is large, and must not make every caller's so.
            Road::Redis(bus) => Box::pin(bus.publish(draft)).await,
        }
    }

    /// Publishes `drafts` in their order and answers for each. After a transient failure the rest is
    /// not tried and fails alike, so that nothing overtakes what is to be handed in again; over Redis,
    /// what was on the way already is answered as it went.
    ///
    /// Not cancellation-safe: dropped half-way, the caller does not learn which were published.
    pub async fn publish_all(&self, drafts: Vec<Draft>) -> Vec<Result<Published, PublishError>> {
        match &self.road {
            Road::Embedded(bus) => bus.publish_all(drafts).await,
            Road::Redis(bus) => Box::pin(bus.publish_all(drafts)).await,
        }
    }
}
