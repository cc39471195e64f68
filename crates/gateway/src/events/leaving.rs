//! A node that goes, or lets some go.

use prometheus::{IntGauge, Registry};

use super::{Events, registered};
use crate::departure::Departure;

/// What is counted of it.
#[derive(Debug)]
pub(super) struct Leaving {
    draining: IntGauge,
    /// How many sockets are still to be told.
    left: IntGauge,
}

impl Leaving {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let draining = IntGauge::new("carillon_draining", "Whether this node goes: 1, or 0.")?;
        let left = "Sockets that are still to be told to go to another node.";
        let left = IntGauge::new("carillon_drain_sockets", left)?;
        Ok(Self { draining: registered(registry, draining)?, left: registered(registry, left)? })
    }
}

impl Events {
    pub(crate) fn leaving(&self, sockets: usize) {
        self.leaving.draining.set(1);
        self.left(sockets);
        tracing::info!(sockets, "node goes, its sockets are about to leave");
    }

    pub(crate) fn shedding(&self, sockets: usize) {
        self.left(sockets);
        tracing::info!(sockets, "node has more than its share of sockets, some leave");
    }

    /// All were told; `left` have not gone.
    pub(crate) fn emptied(&self, left: usize) {
        self.left(left);
        if left > 0 {
            tracing::warn!(left, "sockets did not leave in time, and are cut");
        } else {
            tracing::info!("all sockets have left");
        }
    }

    /// So many are still to be told.
    pub(crate) fn left(&self, left: usize) {
        self.leaving.left.set(i64::try_from(left).unwrap_or(i64::MAX));
    }
}

/// The log's share of a departure that takes its time.
pub(crate) fn still_leaving(departure: Departure, left: usize) {
    tracing::info!(reason = departure.label(), left, "sockets leave");
}
