//! What happens on the way to Redis, each as one function that writes both the log line and the counter.

use fred::error::Error;
use notice::{Audience, NodeId};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::{error::BusError, redis::envelope::EnvelopeError};

#[derive(Clone, Debug)]
pub(super) struct Events {
    up: IntGauge,
    repairs_total: IntCounterVec,
    unreadable_total: IntCounter,
}

/// Why a node read the store again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// The count went on without us.
    Hole,
    /// The store was ahead of what was heard after a subscription was made anew, or messages dropped.
    Behind,
}

impl Events {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let up = IntGauge::new("carillon_redis_up", "Whether Redis answers: 1, or 0.")?;
        let repairs_total = IntCounterVec::new(
            Opts::new(
                "carillon_bus_repairs_total",
                "Audiences read again from the store, by cause.",
            ),
            &["cause"],
        )?;
        let unreadable_total =
            IntCounter::new("carillon_bus_unreadable_total", "Envelopes that could not be read.")?;
        registry.register(Box::new(up.clone()))?;
        registry.register(Box::new(repairs_total.clone()))?;
        registry.register(Box::new(unreadable_total.clone()))?;
        Ok(Self { up, repairs_total, unreadable_total })
    }

    /// Says once that Redis went, and once that it is back.
    pub(super) fn answers(&self, answer: Result<(), &str>) {
        let was_up = self.up.get() == 1;
        self.up.set(i64::from(answer.is_ok()));
        match answer {
            Err(error) if was_up => tracing::warn!(error, "redis does not answer"),
            Ok(()) if !was_up => tracing::info!("redis answers"),
            _ => {}
        }
    }

    pub(super) fn repaired(&self, cause: Cause) {
        let cause = match cause {
            Cause::Hole => "hole",
            Cause::Behind => "behind",
        };
        self.repairs_total.with_label_values(&[cause]).inc();
    }

    pub(super) fn unreadable(&self, error: &EnvelopeError) {
        self.unreadable_total.inc();
        tracing::warn!(%error, "left out an envelope that cannot be read");
    }
}

pub(super) fn subscribing_failed(node: &NodeId, error: &Error) {
    tracing::debug!(node.id = %node, %error, "will subscribe again");
}

pub(super) fn irreparable(error: &BusError) {
    tracing::error!(%error, "gave up reading what was missed");
}

/// Says once that leases could not be renewed, and once that they are again.
pub(super) fn leases_kept(were_kept: bool, are_kept: bool) {
    match (were_kept, are_kept) {
        (true, false) => tracing::warn!("could not renew logins to rooms"),
        (false, true) => tracing::info!("logins to rooms are renewed again"),
        _ => {}
    }
}

pub(super) fn logins_lost(room: &Audience) {
    tracing::warn!(%room, "the store had lost logins, which were put back");
}

pub(super) fn leases_left(node: &NodeId) {
    tracing::warn!(node.id = %node, "left logins to run out by themselves");
}
