//! What must have a copy before it is accepted, where publishing waits for replicas; and which notices have none yet.
//!
//! Promise: who hands in once more what is kept and had no copy means the same notice: it is not numbered, kept and
//! told again. Notices of tasks need nothing of this, for their tasks tell.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use notice::{Draft, Kind, Position};
use parking_lot::Mutex;

use crate::redis::envelope::seal;

/// Drafts that are remembered. With one more all are forgotten, and what of them comes again is another notice.
const LEN_MAX: usize = 16_384;

/// What would be lost with the primary.
#[derive(Debug)]
pub(super) enum Stake {
    /// It is told to those who are there, and that is all.
    Nothing,
    /// What its task shows.
    OfTask,
    /// The notice itself. The draft is known by `key`; the position is the one that it was given, by this try or by
    /// an earlier one.
    Notice { key: u64, position: Option<Position> },
}

/// Notices that Redis has numbered and keeps, and that were not accepted.
#[derive(Debug, Default)]
pub(super) struct Uncopied {
    hasher: RandomState,
    /// Of drafts that are alike, all that there were.
    positions: Mutex<HashMap<u64, Vec<Position>>>,
}

// === impl Stake ===

impl Stake {
    /// The number that it was given by an earlier try.
    pub(super) fn position(&self) -> Option<&Position> {
        match self {
            Self::Notice { position, .. } => position.as_ref(),
            Self::Nothing | Self::OfTask => None,
        }
    }

    pub(super) fn numbered(&mut self, new: &Position) {
        if let Self::Notice { position, .. } = self {
            *position = Some(new.clone());
        }
    }
}

// === impl Uncopied ===

impl Uncopied {
    /// What is at stake with a draft that is on its way. `recent_age`: how long a plain notice is kept.
    pub(super) fn begin(&self, draft: &Draft, recent_age: Duration) -> Stake {
        match draft.kind {
            Kind::Progress { .. } | Kind::Final { .. } => Stake::OfTask,
            Kind::Plain if recent_age.is_zero() => Stake::Nothing,
            Kind::Plain | Kind::Kept => {
                // Each try may be traced by itself.
                let key = self.hasher.hash_one(seal(&Draft { trace: None, ..draft.clone() }));
                Stake::Notice { key, position: self.take(key) }
            }
            Kind::Volatile => Stake::Nothing,
        }
    }

    /// It was not accepted, and is to be known when it comes again.
    pub(super) fn refused(&self, stake: Stake) {
        let Stake::Notice { key, position: Some(position) } = stake else { return };
        let mut positions = self.positions.lock();
        if positions.len() >= LEN_MAX {
            positions.clear();
        }
        positions.entry(key).or_default().push(position);
    }

    fn take(&self, key: u64) -> Option<Position> {
        let mut positions = self.positions.lock();
        let alike = positions.get_mut(&key)?;
        let first = alike.remove(0);
        if alike.is_empty() {
            positions.remove(&key);
        }
        Some(first)
    }
}
