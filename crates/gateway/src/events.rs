//! What happens in the gateway, each occurrence one function: the counter and, where a person would
//! want it, the log line.

mod figures;
mod forwarding;
mod handing_out;
mod hearing;
mod leaving;
mod outcomes;
mod recovery;
mod tally;
mod traffic;

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use adapter::SignalError;
use auth::Denial;
use notice::{Namespace, NodeId};
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::Collector,
};

pub(crate) use self::outcomes::{Asking, Downlink, Dropped, Handshake, Heard, Ordered};
use self::{
    figures::Figures, forwarding::Forwards, handing_out::FanOuts, leaving::Leaving,
    recovery::Recoveries, tally::Deliveries, traffic::Traffic,
};
pub(crate) use self::{
    forwarding::Forwarded, handing_out::HandedOut, leaving::still_leaving, recovery::Recovered,
    tally::Tally, traffic::PacketType,
};
use crate::{
    departure::Departure,
    engine::{Dialect, Transport},
    exemplars::{BUCKETS, Exemplars},
    questions::Deed,
    refusal::Refusal,
};

const DELIVERY: &str =
    "From a notice's hand-in to its write to a socket, or to the socket's queue.";
const READINGS: &str = "Readings of what a client missed.";
const REPEATED: &str = "Polls that came again, and were answered as before.";
const DEAF: &str = "Whether this node hears nothing of the bus while another does: 1, or 0.";

#[derive(Debug)]
pub(crate) struct Events {
    sockets: IntGaugeVec,
    handshakes: IntCounterVec,
    departures: IntCounterVec,
    /// Looked up once: these count on the hot path.
    deliveries: Deliveries,
    fan_outs: FanOuts,
    dropped: IntCounterVec,
    acks: IntCounterVec,
    orders: IntCounterVec,
    heard: IntCounterVec,
    downlinks: IntCounterVec,
    queue_bytes: IntGauge,
    memory_bytes: IntGauge,
    /// The last connection was not accepted for want of a file.
    is_exhausted: AtomicBool,
    delivery_seconds: Histogram,
    pub(crate) exemplars: Exemplars,
    figures: Figures,
    traffic: Traffic,
    leaving: Leaving,
    forwards: Forwards,
    recoveries: Recoveries,
    deaf: IntGauge,
    readings: IntCounterVec,
    repeated: IntCounter,
    /// A stranger was heard and told of: once is enough.
    met_stranger: AtomicBool,
    met_outliver: AtomicBool,
}

impl Events {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name, help, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let outcomes = |name, help| counters(name, help, &["outcome"]);
        let seats = Opts::new("carillon_sockets", "Seats taken, one per socket and namespace.");
        let sockets = IntGaugeVec::new(seats, &["transport", "protocol", "namespace"])?;
        let delivery = HistogramOpts::new(Exemplars::OF, DELIVERY).buckets(BUCKETS.to_vec());
        let waiting = IntGauge::new("carillon_queue_bytes", "What waits for slow sockets.")?;
        let deliveries =
            counters("carillon_deliveries_total", "Notices sent to a socket.", &["transport"])?;
        let departures =
            counters("carillon_departures_total", "Connections that ended.", &["reason"])?;
        for departure in Departure::ALL {
            departures.with_label_values(&[departure.label()]).reset();
        }
        let handshakes = outcomes("carillon_handshakes_total", "Attempts to take a seat.")?;
        for label in Handshake::ALL.map(Handshake::label).into_iter().chain(Denial::LABELS) {
            handshakes.with_label_values(&[label]).reset();
        }
        let memory = IntGauge::new("carillon_memory_bytes", "What the process has in memory.")?;
        Ok(Self {
            sockets: registered(registry, sockets)?,
            handshakes,
            memory_bytes: registered(registry, memory)?,
            is_exhausted: AtomicBool::new(false),
            departures,
            deliveries: Deliveries::of(&deliveries),
            fan_outs: FanOuts::new(registry)?,
            queue_bytes: registered(registry, waiting)?,
            delivery_seconds: registered(registry, Histogram::with_opts(delivery)?)?,
            exemplars: Exemplars::default(),
            acks: outcomes("carillon_acks_total", "Sockets asked for an acknowledgement.")?,
            orders: counters(
                "carillon_orders_total",
                "Orders to this node's sockets.",
                &["deed", "outcome"],
            )?,
            heard: outcomes("carillon_client_events_total", "Events that clients sent.")?,
            downlinks: outcomes("carillon_downlinks_total", "Calls of /v1/downlink.")?,
            dropped: counters("carillon_dropped_total", "What was not passed on.", &["reason"])?,
            figures: Figures::new(registry)?,
            traffic: Traffic::new(registry)?,
            leaving: Leaving::new(registry)?,
            forwards: Forwards::new(registry)?,
            recoveries: Recoveries::new(registry)?,
            readings: outcomes("carillon_store_readings_total", READINGS)?,
            repeated: registered(
                registry,
                IntCounter::new("carillon_polls_repeated_total", REPEATED)?,
            )?,
            deaf: registered(registry, IntGauge::new("carillon_deaf", DEAF)?)?,
            met_stranger: AtomicBool::new(false),
            met_outliver: AtomicBool::new(false),
        })
    }

    pub(crate) fn handshake(&self, outcome: Handshake) {
        self.handshakes.with_label_values(&[outcome.label()]).inc();
    }

    /// The process has no file left for a connection: told once until one is accepted again.
    pub(crate) fn exhausted(&self, error: &std::io::Error) {
        self.handshake(Handshake::NoFile);
        if !self.is_exhausted.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "accept a connection");
        }
    }

    pub(crate) fn accepted(&self) {
        if self.is_exhausted.load(Ordering::Relaxed) {
            self.is_exhausted.store(false, Ordering::Relaxed);
        }
    }

    /// A connection ended with an error, and perhaps with a request that could not be read.
    pub(crate) fn cut(&self, unread: Option<Handshake>, address: IpAddr, error: &hyper::Error) {
        if let Some(unread) = unread {
            self.handshake(unread);
        }
        tracing::debug!(client.addr = %address, %error, "a connection ended");
    }

    pub(crate) fn weighs(&self, bytes: usize) {
        self.memory_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn refused(&self, refusal: &Refusal, address: IpAddr) {
        self.handshakes.with_label_values(&[refusal.label()]).inc();
        tracing::debug!(client.addr = %address, reason = refusal.label(), "refused a socket");
    }

    /// Counts seats in or out of the gauge.
    pub(crate) fn seats(
        &self,
        transport: Transport,
        dialect: Dialect,
        namespace: &Namespace,
        change: i64,
    ) {
        let transport = transport_label(transport, dialect);
        let labels = [transport, dialect.label(), namespace.as_str()];
        self.sockets.with_label_values(&labels).add(change);
    }

    pub(crate) fn departed(&self, departure: Departure, address: IpAddr) {
        self.departures.with_label_values(&[departure.label()]).inc();
        let reason = departure.label();
        match departure {
            Departure::Slow | Departure::Stalled | Departure::Events | Departure::Bytes => {
                tracing::info!(client.addr = %address, reason, "put a socket out");
            }
            _ => tracing::debug!(client.addr = %address, reason, "a socket left"),
        }
    }

    pub(crate) fn queued(&self, change: i64) {
        if change != 0 {
            self.queue_bytes.add(change);
        }
    }

    pub(crate) fn dropped(&self, dropped: Dropped) {
        self.dropped.with_label_values(&[dropped.label()]).inc();
    }

    pub(crate) fn heard(&self, outcome: Heard) {
        self.heard.with_label_values(&[outcome.label()]).inc();
    }

    pub(crate) fn asked(&self, outcome: Asking, sockets: usize) {
        if sockets > 0 {
            self.acks.with_label_values(&[outcome.label()]).inc_by(sockets as u64);
        }
    }

    pub(crate) fn ordered(&self, deed: &Deed, outcome: Ordered) {
        self.orders.with_label_values(&[deed.label(), outcome.label()]).inc();
    }

    /// With `downlink.always_ok` nobody but the log is told why one was not sent.
    pub(crate) fn downlink(&self, outcome: Downlink, cause: Option<&str>) {
        self.downlinks.with_label_values(&[outcome.label()]).inc();
        if let Some(cause) = cause {
            tracing::warn!(outcome = outcome.label(), cause, "did not send a downlink");
        }
    }

    /// The bus could not be read while somebody connected.
    pub(crate) fn store_away(&self, error: &adapter::BusError) {
        self.dropped(Dropped::StoreAway);
        tracing::warn!(%error, "read the store for a client");
    }

    /// What a client missed was read for it, or for somebody who asked for the same at the same time.
    pub(crate) fn read_store(&self, is_own: bool) {
        let outcome = if is_own { "read" } else { "shared" };
        self.readings.with_label_values(&[outcome]).inc();
    }

    /// An answer was lost on its way, and was given again.
    pub(crate) fn repeated(&self) {
        self.repeated.inc();
    }

    /// A socket was put out of one namespace.
    pub(crate) fn put_out(&self, departure: Departure, address: IpAddr) {
        let reason = departure.label();
        self.departures.with_label_values(&[reason]).inc();
        tracing::debug!(client.addr = %address, reason, "put a socket out of a namespace");
    }

    /// A node asked or answered something that is not known here: one of the two is of an older release.
    pub(crate) fn stranger(&self, node: &NodeId) {
        self.dropped(Dropped::Stranger);
        if !self.met_stranger.swap(true, Ordering::Relaxed) {
            tracing::warn!(node.id = %node, "was not understood by a node, or did not understand it");
        }
    }

    /// The other nodes could not be asked; the bus itself says when it goes and when it is back.
    pub(crate) fn apart(&self, error: &SignalError) {
        self.dropped(Dropped::StoreAway);
        tracing::debug!(%error, "could not ask the other nodes");
    }

    /// What is revoked could not be put on the cluster's list.
    pub(crate) fn not_revoked(&self, error: &adapter::RevocationError) {
        self.dropped(Dropped::StoreAway);
        tracing::warn!(%error, "did not take a revocation");
    }

    /// A token that lives longer than a revocation is kept would come back to life. Said once.
    pub(crate) fn outlives(&self) {
        if !self.met_outliver.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                hint = "raise auth.revocation_keep, or sign for a shorter time",
                "a token lives longer than auth.revocation_keep: revoked, it would be taken again after that"
            );
        }
    }

    /// Finals are gone that this node has not heard of; the embedded bus never lets that happen.
    pub(crate) fn behind(&self) {
        self.dropped(Dropped::Behind);
        tracing::warn!("finals are no longer kept that this node has not heard");
    }
}

/// A client could not log in to a room, for reasons that are not its own. The adapter has counted it.
pub(crate) fn login_failed(error: &adapter::LoginError) {
    tracing::debug!(%error, "did not log a client in to a room");
}

fn registered<T: Collector + Clone + 'static>(
    registry: &Registry,
    metric: T,
) -> Result<T, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn transport_label(transport: Transport, dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::PlainWebSocket => "ws",
        _ => transport.label(),
    }
}
