//! How a node's sockets live, and how far it is from its limits.

use std::time::{Duration, SystemTime};

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::{Events, registered};
use crate::{config::Limits, hub::Held};

#[derive(Debug)]
pub(super) struct Figures {
    limits: IntGaugeVec,
    audiences: IntGauge,
    rooms: IntGauge,
    memberships: IntGauge,
    fan_out: Histogram,
    sessions: Histogram,
    upgrades: IntCounterVec,
}

impl Figures {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let histogram = |name, help, buckets: &[f64]| {
            let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            registered(registry, Histogram::with_opts(opts)?)
        };
        let limits = Opts::new("carillon_limit", "What limits.* say, where they say something.");
        let limits = IntGaugeVec::new(limits, &["limit"])?;
        let gauge = |name, help| registered(registry, IntGauge::new(name, help)?);
        let upgrades = Opts::new("carillon_upgrades_total", "Sessions that asked for a WebSocket.");
        let upgrades = IntCounterVec::new(upgrades, &["outcome"])?;
        Ok(Self {
            limits: registered(registry, limits)?,
            audiences: gauge(
                "carillon_audiences",
                "Users and rooms, with their namespaces, that have members on this node.",
            )?,
            rooms: gauge("carillon_rooms", "Rooms that have members on this node.")?,
            memberships: gauge(
                "carillon_memberships",
                "Members of all audiences on this node: a seat is one in each that it hears.",
            )?,
            fan_out: histogram(
                "carillon_fan_out_sockets",
                "Sockets of this node that a notice is for.",
                &[0.0, 1.0, 2.0, 5.0, 10.0, 100.0, 1_000.0, 10_000.0],
            )?,
            sessions: histogram(
                "carillon_session_seconds",
                "How long connections lasted.",
                &[1.0, 10.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0, 86_400.0],
            )?,
            upgrades: registered(registry, upgrades)?,
        })
    }
}

impl Events {
    pub(crate) fn limited_by(&self, limits: &Limits) {
        let all = [
            ("sockets", Some(whole(limits.sockets))),
            ("sockets_per_address", Some(whole(limits.sockets_per_address))),
            ("sockets_per_user", Some(whole(limits.sockets_per_user))),
            ("accepts_per_second", Some(limits.accepts_per_second.into())),
            ("queue_bytes", Some(whole(limits.queue_bytes))),
            ("memory_bytes", limits.memory.map(whole)),
        ];
        for (name, limit) in all.into_iter().filter_map(|(name, limit)| Some((name, limit?))) {
            self.figures.limits.with_label_values(&[name]).set(limit);
        }
    }

    pub(crate) fn holds(&self, held: Held) {
        let Figures { audiences, rooms, memberships, .. } = &self.figures;
        audiences.set(whole(held.audiences));
        rooms.set(whole(held.rooms));
        memberships.set(whole(held.memberships));
    }

    /// Each of these notices was handed to that many sockets.
    pub(crate) fn fanned_out(&self, notices: usize, sockets: usize) {
        let sockets = u32::try_from(sockets).unwrap_or(u32::MAX);
        for _ in 0..notices {
            self.figures.fan_out.observe(sockets.into());
        }
    }

    pub(crate) fn lasted(&self, since: SystemTime) {
        let lasted = SystemTime::now().duration_since(since).unwrap_or(Duration::ZERO);
        self.figures.sessions.observe(lasted.as_secs_f64());
    }

    pub(crate) fn upgraded(&self, is_done: bool) {
        let outcome = if is_done { "done" } else { "failed" };
        self.figures.upgrades.with_label_values(&[outcome]).inc();
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
