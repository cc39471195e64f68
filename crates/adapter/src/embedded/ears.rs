//! Who listens to one audience: nodes, each counted by its members there.

use std::sync::Arc;

use notice::NodeId;
use tokio::{
    sync::{
        Mutex, OwnedMutexGuard,
        mpsc::{self, error::TrySendError},
    },
    time::Instant,
};
use tokio_util::sync::DropGuard;

use crate::{
    embedded::places::{Place, Places},
    inbox::{Arrival, Inbox},
};

/// The bus's end of one node's inbox.
#[derive(Debug)]
pub(crate) struct Ear {
    node: NodeId,
    sender: mpsc::Sender<Arrival>,
    /// Who waits for room tries again one at a time. Otherwise the room would be handed from one to
    /// the next, each finding it taken by the other, for ever.
    turn: Arc<Mutex<()>>,
}

/// The right to try again first, until dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _guard: OwnedMutexGuard<()>,
}

/// The nodes that hear one audience. Nearly always none or one, so the list is kept tight.
#[derive(Debug, Default)]
pub(super) struct Ears {
    heard: Vec<Heard>,
    /// Held while the list is not empty.
    place: Option<Place>,
}

/// One node's members in one audience.
#[derive(Debug)]
struct Heard {
    ear: Arc<Ear>,
    members: u32,
    /// When the node stops hearing, once it has no member.
    until: Instant,
}

// === impl Ear ===

impl Ear {
    pub(super) fn open(node: NodeId, inbox_len_max: usize, here: DropGuard) -> (Self, Inbox) {
        let (sender, arrivals) = mpsc::channel(inbox_len_max.max(1));
        (Self { node, sender, turn: Arc::default() }, Inbox::new(arrivals, here))
    }

    pub(super) fn node(&self) -> &NodeId {
        &self.node
    }

    /// Whether the node has left the bus.
    pub(super) fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }

    /// A place in the inbox; `None` if it is gone, an error if it has none left.
    pub(super) fn try_place(&self) -> Result<Option<mpsc::Permit<'_, Arrival>>, ()> {
        match self.sender.try_reserve() {
            Ok(permit) => Ok(Some(permit)),
            Err(TrySendError::Closed(())) => Ok(None),
            Err(TrySendError::Full(())) => Err(()),
        }
    }

    /// Waits for its turn, and then until the inbox has room or is gone. Somebody who did not wait
    /// may be quicker to take it.
    pub(super) async fn turn(&self) -> Turn {
        let turn = Turn { _guard: Arc::clone(&self.turn).lock_owned().await };
        drop(self.sender.reserve().await);
        turn
    }
}

// === impl Ears ===

impl Ears {
    /// Counts one more member, or answers how many audiences may be listened to.
    pub(super) fn enter(&mut self, ear: &Arc<Ear>, places: &Places) -> Result<(), usize> {
        if let Some(heard) = self.find(ear) {
            heard.members += 1;
            return Ok(());
        }
        if self.place.is_none() {
            self.place = Some(places.take()?);
        }
        self.heard.reserve_exact(1);
        self.heard.push(Heard { ear: Arc::clone(ear), members: 1, until: Instant::now() });
        Ok(())
    }

    /// Counts one member less. Whether it was the last one of its node.
    pub(super) fn leave(&mut self, ear: &Arc<Ear>, until: Instant) -> bool {
        let Some(heard) = self.find(ear).filter(|heard| heard.members > 0) else { return false };
        heard.members -= 1;
        heard.until = until;
        heard.members == 0
    }

    /// Drops the nodes that are gone, and those without a member that have lingered long enough.
    pub(super) fn prune(&mut self, now: Instant) {
        self.heard.retain(|heard| !heard.is_over(now));
        if self.heard.is_empty() {
            self.place = None;
        }
    }

    /// A place in every inbox, or the first that has none left. Call [`Ears::prune`] before.
    pub(super) fn reserve(&self) -> Result<Vec<mpsc::Permit<'_, Arrival>>, &Arc<Ear>> {
        let mut permits = Vec::with_capacity(self.heard.len());
        for Heard { ear, .. } in &self.heard {
            match ear.sender.try_reserve() {
                Ok(permit) => permits.push(permit),
                Err(TrySendError::Full(())) => return Err(ear),
                Err(TrySendError::Closed(())) => {}
            }
        }
        Ok(permits)
    }

    /// When the first node without a member stops hearing.
    pub(super) fn lingers_until(&self) -> Option<Instant> {
        self.heard.iter().filter(|heard| heard.members == 0).map(|heard| heard.until).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heard.is_empty()
    }

    fn find(&mut self, ear: &Arc<Ear>) -> Option<&mut Heard> {
        self.heard.iter_mut().find(|heard| Arc::ptr_eq(&heard.ear, ear))
    }
}

impl Heard {
    fn is_over(&self, now: Instant) -> bool {
        self.ear.sender.is_closed() || (self.members == 0 && self.until <= now)
    }
}
