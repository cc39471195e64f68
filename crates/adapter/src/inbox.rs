//! Where a node takes what the bus brings it.

use std::sync::Arc;

use notice::{Audience, Notice, SocketId};
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

use crate::store::Gap;

/// Everything that arrives on one node, each audience in the order of its count. Dropping it takes
/// the node off the bus.
#[derive(Debug)]
pub struct Inbox {
    arrivals: mpsc::Receiver<Arrival>,
    /// Takes the node off the list of the living.
    _here: DropGuard,
}

/// What a node must do next.
#[derive(Clone, Debug)]
pub enum Arrival {
    Notice(Arc<Notice>),
    /// Finals of its audience were missed on this node and are no longer kept. What is kept of all that
    /// was missed follows in order, as notices.
    Gap(Arc<Gap>),
    /// The store has lost some of this audience, and may have given their numbers to others. These are what it
    /// keeps of late, in order: some were heard before, some have numbers that were others'.
    Renumbered {
        audience: Audience,
        notices: Vec<Arc<Notice>>,
    },
    /// These members of this node are in the room no more: somebody took it or their place, or their
    /// leases could not be renewed. Each is named once for every login that ended so.
    PutOut {
        room: Audience,
        members: Vec<SocketId>,
    },
}

impl Inbox {
    pub(crate) fn new(arrivals: mpsc::Receiver<Arrival>, here: DropGuard) -> Self {
        Self { arrivals, _here: here }
    }

    /// Waits for the next arrival; `None` when the bus is gone. Cancellation-safe.
    pub async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }

    /// The next arrival, if one is here already.
    pub fn try_next(&mut self) -> Option<Arrival> {
        self.arrivals.try_recv().ok()
    }
}
