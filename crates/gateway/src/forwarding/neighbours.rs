//! Which node made which ids, and where it is: as the leases said when they were last looked at.

use std::{collections::HashMap, time::Duration};

use notice::NodeId;
use parking_lot::Mutex;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::ticket::Ticket;
use crate::{engine::Ids, others::About, shared::Shared};

/// The least time between two looks, however many ask.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOK_WITHIN: Duration = Duration::from_secs(2);

/// How often a node is looked for that has just come and has not said where it is.
const NEWCOMER_LOOKS: u32 = 5;
const NEWCOMER_WAIT: Duration = Duration::from_millis(400);

/// A node that may be asked.
#[derive(Clone, Debug)]
pub(super) struct Neighbour {
    pub(super) node: NodeId,
    pub(super) address: String,
    pub(super) ticket: Ticket,
}

/// Those that are known, by what their ids begin with.
#[derive(Debug)]
pub(super) struct Neighbours {
    known: Mutex<Known>,
    /// Whose turn it is to look.
    turn: Semaphore,
}

#[derive(Debug, Default)]
struct Known {
    by_tag: HashMap<String, Neighbour>,
    looked_at: Option<Instant>,
    /// One of them has not said anything yet.
    has_newcomer: bool,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self { known: Mutex::default(), turn: Semaphore::new(1) }
    }
}

impl Neighbours {
    /// The living node that made `id`.
    pub(super) async fn of(&self, shared: &Shared, id: &str) -> Option<Neighbour> {
        let tag = Ids::tag(id)?;
        if let Some(known) = self.find(tag) {
            return Some(known);
        }
        for _ in 0..NEWCOMER_LOOKS {
            self.look(shared).await;
            let found = self.find(tag);
            if found.is_some() || !self.known.lock().has_newcomer {
                return found;
            }
            sleep(NEWCOMER_WAIT).await;
        }
        None
    }

    /// Whether its lease still runs. While nobody can say, it does.
    pub(super) async fn still_has(&self, shared: &Shared, id: &str) -> bool {
        self.look(shared).await;
        self.knows(id)
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        Ids::tag(id).is_some_and(|tag| self.known.lock().by_tag.contains_key(tag))
    }

    fn find(&self, tag: &str) -> Option<Neighbour> {
        self.known.lock().by_tag.get(tag).cloned()
    }

    /// Reads the leases, unless somebody else does meanwhile: of many who ask at once, as when a node has
    /// died, one looks for all.
    async fn look(&self, shared: &Shared) {
        let asked_at = Instant::now();
        let _turn = self.turn.acquire().await.expect("nobody closes the semaphore");
        let looked_at = self.known.lock().looked_at;
        if looked_at.is_some_and(|looked_at| looked_at >= asked_at) {
            return;
        }
        if let Some(looked_at) = looked_at {
            sleep_until(looked_at + LOOK_EVERY).await;
        }
        let now = Instant::now();
        let living = timeout(LOOK_WITHIN, shared.nodes.living()).await;
        let known = &mut *self.known.lock();
        known.looked_at = Some(now);
        let Ok(Ok(living)) = living else { return };
        (known.by_tag, known.has_newcomer) = (HashMap::new(), false);
        for living in living.into_iter().filter(|it| it.node != shared.config.node) {
            known.has_newcomer |= living.about.is_empty();
            let About { address, ticket, .. } = About::read(&living);
            let Some(address) = address else { continue };
            let neighbour = Neighbour { node: living.node, address, ticket };
            known.by_tag.insert(Ids::tag_of(&neighbour.node), neighbour);
        }
    }
}
