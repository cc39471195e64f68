//! What reaches a seat while it catches up, and what it must not see twice afterwards.

use std::sync::Arc;

use notice::{Kind, Notice, Position};

/// From the bus to a seat.
#[derive(Debug)]
pub(crate) enum Inflow {
    /// The store is being read: what the bus brings meanwhile is held back, up to a bound.
    Catching { held: Vec<Arc<Notice>>, bytes: usize },
    /// `floor` is where the snapshot of the user's notices ended.
    Live { floor: Option<Position> },
}

/// What to do with a notice that the bus has brought.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Next {
    Send,
    Held,
    /// The snapshot had it already.
    Skip,
    /// It does not wait.
    Drop,
    /// More was held than the seat may queue.
    Overflow,
}

impl Default for Inflow {
    fn default() -> Self {
        Self::Catching { held: Vec::new(), bytes: 0 }
    }
}

impl Inflow {
    pub(crate) fn take(&mut self, notice: &Arc<Notice>, bytes_max: usize) -> Next {
        match self {
            Self::Catching { .. } if notice.draft.kind == Kind::Volatile => Next::Drop,
            Self::Catching { held, bytes } => {
                *bytes += notice.draft.payload.len_bytes();
                if *bytes > bytes_max {
                    return Next::Overflow;
                }
                held.push(Arc::clone(notice));
                Next::Held
            }
            Self::Live { floor } if covered(floor.as_ref(), notice) => Next::Skip,
            Self::Live { .. } => Next::Send,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// Goes live above `floor`, and gives what was held and is above it.
    pub(crate) fn go_live(&mut self, floor: Option<Position>) -> Vec<Arc<Notice>> {
        let mut held = match std::mem::take(self) {
            Self::Catching { held, .. } => held,
            Self::Live { .. } => Vec::new(),
        };
        held.retain(|notice| !covered(floor.as_ref(), notice));
        *self = Self::Live { floor };
        held
    }
}

/// Only a user's task notices are part of a snapshot, so only they can be covered by one.
fn covered(floor: Option<&Position>, notice: &Notice) -> bool {
    let numbered = notice.draft.origin == notice::Origin::Worker;
    let same = |floor: &&Position| floor.epoch == notice.position.epoch;
    numbered && floor.filter(same).is_some_and(|floor| notice.position.seq <= floor.seq)
}
