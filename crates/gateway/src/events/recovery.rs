//! Clients that want their seats back.

use adapter::SeatError;
use prometheus::{IntCounterVec, Opts, Registry};

use super::{Dropped, Events, registered};

/// What became of a client that wanted its seat back: the label of `carillon_recoveries_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recovered {
    Yes,
    /// Nobody holds it: its client was away for too long, or the key is none.
    Unknown,
    /// Another user's, or of another namespace.
    OtherUser,
    /// A room of it is not granted any more.
    NotGranted,
    /// Something that it missed is kept no more, or not known to be.
    Gap,
    /// It was cut off while it was told how its tasks stand, and is told again.
    Unsettled,
    /// It hears more audiences than its offset names.
    TooMany,
    /// Another connection has just got it.
    Taken,
    /// It did not get into one of its rooms: somebody else holds it, or it is full.
    NotJoined,
    /// The store did not answer.
    Away,
}

impl Recovered {
    const ALL: [Self; 10] = [
        Self::Yes,
        Self::Unknown,
        Self::OtherUser,
        Self::NotGranted,
        Self::Gap,
        Self::Unsettled,
        Self::TooMany,
        Self::Taken,
        Self::NotJoined,
        Self::Away,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Yes => "recovered",
            Self::Unknown => "unknown",
            Self::OtherUser => "other_user",
            Self::NotGranted => "not_granted",
            Self::Gap => "gap",
            Self::Unsettled => "unsettled",
            Self::TooMany => "too_many",
            Self::Taken => "taken",
            Self::NotJoined => "not_joined",
            Self::Away => "away",
        }
    }
}

#[derive(Debug)]
pub(super) struct Recoveries(IntCounterVec);

impl Recoveries {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let about = Opts::new("carillon_recoveries_total", "Clients that wanted their seats back.");
        let outcomes = IntCounterVec::new(about, &["outcome"])?;
        for outcome in Recovered::ALL {
            outcomes.with_label_values(&[outcome.label()]).reset();
        }
        Ok(Self(registered(registry, outcomes)?))
    }
}

impl Events {
    pub(crate) fn recovered(&self, outcome: Recovered) {
        self.recoveries.0.with_label_values(&[outcome.label()]).inc();
    }

    /// A seat is not held for its client, or not known to be: should that be cut off, it begins anew.
    pub(crate) fn not_held(&self, error: &SeatError) {
        self.dropped(Dropped::Unheld);
        tracing::debug!(%error, "a seat is not held for its client");
    }
}
