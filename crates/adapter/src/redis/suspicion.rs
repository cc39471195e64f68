//! Why a node believes that it has not heard all of an audience, and how that came out.
//!
//! May not enter: anything that waits, and anything that does something about it.

use notice::{Audience, Epoch, Position};
use tokio::time::Instant;

use crate::redis::primaries::Run;

/// An audience that the store was ahead of, by what may have been on its way.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) until: Instant,
    pub(super) audience: Audience,
    pub(super) newest: Position,
}

/// Why an audience is compared with the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// Messages may have been dropped, and those that were on their way with them.
    Loss,
    /// It is its turn.
    Round,
}

/// An audience whose place in the store is not where it was heard last.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) audience: Audience,
    pub(super) why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    /// It was in doubt when a message came: what the store says then is what it is suspected of.
    Unsure,
    /// A message of this life came before its turn.
    Hole(Epoch),
    /// The store has counted further, up to here.
    Behind(Position),
    /// The store has counted less: it has lost what was heard.
    Lost,
    /// Another process holds the store, has counted up to here, and may have lost some before.
    TakenOver(Position),
    /// Another process holds the store and has begun anew, after what was heard up to here.
    Emptied(Position),
}

impl Why {
    /// What is to be done when both are so: whatever repairs the worse repairs the other too.
    pub(super) fn or_worse(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.weight() > self.weight() => other,
            _ => self,
        }
    }

    /// Whether numbers that were heard may stand for other notices by now.
    pub(super) fn renumbers(&self) -> bool {
        matches!(self, Self::TakenOver(_) | Self::Lost | Self::Emptied(_))
    }

    fn weight(&self) -> u8 {
        match self {
            Self::Unsure | Self::Hole(_) => 0,
            Self::Behind(_) => 1,
            Self::TakenOver(_) => 2,
            Self::Lost => 3,
            Self::Emptied(_) => 4,
        }
    }
}

/// Where an audience stands in the store.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) audience: Audience,
    /// How far it was heard before the store was asked.
    pub(super) heard: Option<Position>,
    pub(super) newest: Option<Position>,
    /// Which process said so.
    pub(super) run: Option<Run>,
}
