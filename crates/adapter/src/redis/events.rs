//! What happens on the way to Redis, each as one function that writes both the log line and the counter.

use std::time::Duration;

use fred::error::Error;
use notice::{Audience, NodeId};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::{
    error::{BusError, UplinkError},
    redis::{envelope::EnvelopeError, letter::LetterError},
    traffic::{Lost, Traffic},
};

#[derive(Clone, Debug)]
pub(super) struct Events {
    up: IntGauge,
    repairs_total: IntCounterVec,
    unreadable_total: IntCounter,
    dropped_total: IntCounterVec,
    canary_seconds: Histogram,
    rebuilds_total: IntCounter,
    reconnects_total: IntCounterVec,
}

/// Where there was no more room for what came to a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Full {
    /// Among what waits to be read from its connection.
    Connection,
    /// Among what is held while its audience is read from the store.
    Held,
}

/// Which connection to Redis.
#[derive(Clone, Copy, Debug)]
pub(super) enum Connection {
    /// By which is published, and what is kept is read.
    Asks,
    /// By which notices are heard.
    Hears,
    /// For what nodes say to each other.
    Nodes,
}

/// Why a node read the store again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// The count went on without us.
    Hole,
    /// The store was ahead of what was heard after a subscription was made anew, or messages dropped.
    Behind,
    /// The store has less than was heard.
    Lost,
    /// Another process holds the store.
    TakenOver,
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
        let dropped_total = IntCounterVec::new(
            Opts::new(
                "carillon_bus_dropped_total",
                "Messages that a node had no room for before it had looked at them, by where.",
            ),
            &["reason"],
        )?;
        let canary_seconds = Histogram::with_opts(
            HistogramOpts::new(
                "carillon_bus_canary_seconds",
                "From this node through a primary back to this node.",
            )
            .buckets(vec![
                0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
            ]),
        )?;
        let rebuilds_total = IntCounter::new(
            "carillon_bus_rebuilds_total",
            "Subscriptions made anew because nothing was heard.",
        )?;
        let reconnects_total = IntCounterVec::new(
            Opts::new("carillon_redis_reconnects_total", "Connections to Redis made anew."),
            &["connection"],
        )?;
        for connection in [Connection::Asks, Connection::Hears, Connection::Nodes] {
            reconnects_total.with_label_values(&[connection.label()]).reset();
        }
        registry.register(Box::new(reconnects_total.clone()))?;
        registry.register(Box::new(canary_seconds.clone()))?;
        registry.register(Box::new(rebuilds_total.clone()))?;
        registry.register(Box::new(up.clone()))?;
        registry.register(Box::new(repairs_total.clone()))?;
        registry.register(Box::new(unreadable_total.clone()))?;
        registry.register(Box::new(dropped_total.clone()))?;
        Ok(Self {
            up,
            repairs_total,
            unreadable_total,
            dropped_total,
            canary_seconds,
            rebuilds_total,
            reconnects_total,
        })
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

    /// A connection was lost, and there is another.
    pub(super) fn connected_anew(&self, connection: Connection) {
        self.reconnects_total.with_label_values(&[connection.label()]).inc();
        tracing::debug!(connection = connection.label(), "connected to redis again");
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.get() == 1
    }

    pub(super) fn canary(&self, time: Duration) {
        self.canary_seconds.observe(time.as_secs_f64());
    }

    /// Says once that a node hears nothing though Redis answers, and once that it hears again.
    pub(super) fn hears(&self, is_silent: bool, was_silent: bool) {
        if is_silent {
            self.rebuilds_total.inc();
        }
        match (is_silent, was_silent) {
            (true, false) => tracing::warn!("hears nothing from redis, and subscribes anew"),
            (false, true) => tracing::info!("hears redis again"),
            _ => {}
        }
    }

    pub(super) fn repaired(&self, cause: Cause) {
        let cause = match cause {
            Cause::Hole => "hole",
            Cause::Behind => "behind",
            Cause::Lost => "lost",
            Cause::TakenOver => "taken_over",
        };
        self.repairs_total.with_label_values(&[cause]).inc();
    }

    /// What is kept of them is read from the store; a plain notice is gone.
    pub(super) fn dropped(&self, full: Full, count: u64) {
        let reason = match full {
            Full::Connection => "connection_full",
            Full::Held => "held_full",
        };
        self.dropped_total.with_label_values(&[reason]).inc_by(count);
        tracing::debug!(reason, count, "dropped messages of the bus");
    }

    pub(super) fn unreadable(&self, error: &EnvelopeError) {
        self.unreadable_total.inc();
        tracing::warn!(%error, "left out an envelope that cannot be read");
    }
}

impl Connection {
    fn label(self) -> &'static str {
        match self {
            Self::Asks => "asks",
            Self::Hears => "hears",
            Self::Nodes => "nodes",
        }
    }
}

/// Said once by a node that starts.
pub(super) fn waits_for_replica(was_told: bool, error: &Error) {
    if !was_told {
        tracing::warn!(%error, "wait for a replica to follow the primary, which takes nothing without");
    }
}

pub(super) fn subscribing_failed(node: &NodeId, error: &Error) {
    tracing::debug!(node.id = %node, %error, "will subscribe again");
}

/// Says once that the others may take this node for dead, and once that they no longer do.
pub(super) fn lease_kept(was_held: bool, error: Option<&Error>) {
    match error {
        Some(error) if was_held => tracing::warn!(%error, "cannot renew the node's lease"),
        None if !was_held => tracing::info!("the node's lease is renewed again"),
        _ => {}
    }
}

pub(super) fn unreadable(traffic: &Traffic, error: &LetterError) {
    traffic.lost(Lost::Unreadable, 1);
    tracing::debug!(%error, "left out a letter that cannot be read");
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

/// Says once that what clients say is not kept, and once that it is again.
pub(super) fn appended(worked: bool, error: Option<&UplinkError>) {
    match error {
        Some(error) if worked => tracing::warn!(%error, "does not keep what clients say"),
        None if !worked => tracing::info!("keeps what clients say again"),
        _ => {}
    }
}

pub(super) fn logins_lost(room: &Audience) {
    tracing::warn!(%room, "the store had lost logins, which were put back");
}

pub(super) fn leases_left(node: &NodeId) {
    tracing::warn!(node.id = %node, "left logins to run out by themselves");
}
