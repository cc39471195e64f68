//! How fan-outs go.

use super::Events;

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
    pub(super) const ALL: [Self; 3] = [Self::AtOnce, Self::InTurns, Self::HeldUp];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::InTurns => "in_turns",
            Self::HeldUp => "held_up",
        }
    }
}

impl Events {
    pub(crate) fn handed_out(&self, how: HandedOut) {
        self.fan_outs[how as usize].inc();
    }
}
