//! The whole bus: audiences spread over locks, and the waiting that no lock is held for.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use notice::{Audience, Draft, Notice, Position};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::{
    config::Config,
    embedded::{
        Ear,
        places::Places,
        shard::{Attempt, Limits, Shard},
    },
    error::{BusError, PublishError},
    kept_rooms::KeptRooms as _,
    limits::PAYLOAD_BYTES_MAX,
    metrics::{KindLabel, Metrics},
    publisher::Published,
    store::{CatchUp, Since, Standing},
};

/// How many locks the audiences are spread over. One is swept a second, so this is also how many
/// seconds the memory of something expired may stay.
const SHARDS: usize = 64;

/// Every audience of the process. Each belongs to one shard, and all that is read or written
/// about it together is done under that shard's lock.
pub(crate) struct Bus {
    shards: Box<[Mutex<Shard>]>,
    /// Chooses an audience's shard.
    hasher: RandomState,
    limits: Limits,
    metrics: Metrics,
}

impl Bus {
    pub(super) fn new(config: Config, metrics: Metrics) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let counted = Places::new(config.audiences_max);
        let heard = Places::new(config.audiences_max);
        let limits = Limits { config, counted, heard };
        Self { shards, hasher: RandomState::new(), limits, metrics }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.limits.config
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Result<Published, PublishError> {
        let kind = KindLabel::of(&draft.kind);
        let result = self.deliver(draft).await;
        self.metrics.published(kind, &result);
        result
    }

    pub(crate) async fn publish_all(
        &self,
        drafts: Vec<Draft>,
    ) -> Vec<Result<Published, PublishError>> {
        let mut results = Vec::with_capacity(drafts.len());
        let mut stopped: Option<PublishError> = None;
        for draft in drafts {
            let result = match &stopped {
                Some(error) => Err(error.clone()),
                None => self.publish(draft).await,
            };
            stopped = result.as_ref().err().filter(|error| error.is_transient()).cloned();
            results.push(result);
        }
        results
    }

    /// Tries, and while an inbox is full waits for room in it and tries again from the start: what
    /// its task shows may have changed meanwhile.
    async fn deliver(&self, draft: Draft) -> Result<Published, PublishError> {
        let mut draft = self.config().kept_rooms.mark(draft)?;
        let (len_bytes, len_bytes_max) = (draft.payload.len_bytes(), PAYLOAD_BYTES_MAX);
        if len_bytes > len_bytes_max {
            let audience = draft.audience;
            return Err(PublishError::TooLarge { audience, len_bytes, len_bytes_max });
        }
        let deadline = Instant::now() + self.config().publish_wait;
        let mut turn = None;
        loop {
            let ear = match self.attempt(draft) {
                Attempt::Done(result) => return result,
                Attempt::Wait { draft: untaken, ear } => {
                    draft = untaken;
                    ear
                }
            };
            drop(turn.take());
            let Ok(next) = timeout_at(deadline, ear.turn()).await else {
                return Err(PublishError::Backlogged {
                    audience: draft.audience,
                    node: ear.node().clone(),
                    inbox_len_max: self.config().inbox_len_max,
                });
            };
            turn = Some(next);
        }
    }

    fn attempt(&self, draft: Draft) -> Attempt {
        let mut shard = self.shard(&draft.audience).lock();
        shard.publish(draft, Instant::now(), &self.limits)
    }

    pub(crate) fn enter(&self, ear: &Arc<Ear>, audience: &Audience) -> Result<(), BusError> {
        self.shard(audience).lock().enter(ear, audience, &self.limits)
    }

    pub(crate) fn leave(&self, ear: &Arc<Ear>, audience: &Audience) {
        let until = Instant::now() + self.config().interest_linger;
        self.shard(audience).lock().leave(ear, audience, until);
    }

    pub(crate) fn catch_up(&self, audience: &Audience, since: Since<'_>) -> CatchUp {
        let mut shard = self.shard(audience).lock();
        shard.catch_up(audience, since, Instant::now(), self.config())
    }

    pub(crate) fn standing(&self, audience: &Audience) -> Option<Standing> {
        let mut shard = self.shard(audience).lock();
        shard.standing(audience, Instant::now(), self.config())
    }

    pub(crate) fn missed(&self, audience: &Audience, since: &Position) -> CatchUp {
        let mut shard = self.shard(audience).lock();
        shard.missed(audience, since, Instant::now(), self.config())
    }

    pub(crate) fn tasks(&self, audience: &Audience) -> Vec<Arc<Notice>> {
        let mut shard = self.shard(audience).lock();
        shard.tasks(audience, Instant::now(), self.config())
    }

    pub(crate) fn forget(&self, audience: &Audience, identity: &str) -> bool {
        let mut shard = self.shard(audience).lock();
        shard.forget(audience, identity, Instant::now(), self.config())
    }

    /// Ends the interest that has lingered long enough, and gives back the memory of one shard's
    /// expired state: a walk over all of them at once would hold up publishers.
    pub(super) fn sweep(&self, turn: usize) {
        let now = Instant::now();
        for shard in &self.shards {
            shard.lock().sweep_interest(now);
        }
        self.shards[turn % SHARDS].lock().sweep_state(now, self.config());
    }

    fn shard(&self, audience: &Audience) -> &Mutex<Shard> {
        // The remainder is below SHARDS, so nothing is cut off.
        let index = self.hasher.hash_one(audience) % SHARDS as u64;
        &self.shards[usize::try_from(index).expect("a number below SHARDS is a usize")]
    }

    #[cfg(test)]
    pub(super) fn audiences(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

impl fmt::Debug for Bus {
    // What is on the bus belongs to users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("limits", &self.limits).finish_non_exhaustive()
    }
}
