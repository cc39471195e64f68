//! How fan-outs go.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::{Events, registered};

/// The label of `carillon_fan_outs_total`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HandedOut {
    AtOnce,
    /// It took longer than a turn, and others passed it.
    InTurns,
    /// So many are under way, or so much waits behind them, that nothing is taken from the bus for a while.
    HeldUp,
}

impl HandedOut {
    const ALL: [Self; 3] = [Self::AtOnce, Self::InTurns, Self::HeldUp];

    fn label(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::InTurns => "in_turns",
            Self::HeldUp => "held_up",
        }
    }
}

/// Looked up once: these count on the hot path.
#[derive(Debug)]
pub(super) struct FanOuts([IntCounter; HandedOut::ALL.len()]);

impl FanOuts {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let name = Opts::new("carillon_fan_outs_total", "How notices went to members.");
        let all = registered(registry, IntCounterVec::new(name, &["outcome"])?)?;
        Ok(Self(HandedOut::ALL.map(|how| all.with_label_values(&[how.label()]))))
    }
}

impl Events {
    pub(crate) fn handed_out(&self, how: HandedOut) {
        self.fan_outs.0[how as usize].inc();
    }
}
