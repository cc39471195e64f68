//! What goes over the connections of clients: packets by their type, bytes, and how long some of it takes.
//!
//! What is handed out to many is counted by the round, in a `Tally`.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};
use tokio::time::Instant;

use super::{Events, Handshake, registered};
use crate::encoded::Encoded;

/// The closed set of `type` labels: of Engine.IO's packets, and of WebSocket's own frames those that mean the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PacketType {
    Open,
    Close,
    Ping,
    Pong,
    Message,
    /// An attachment of the message in front of it.
    Binary,
    Noop,
}

impl PacketType {
    const ALL: [Self; 7] =
        [Self::Open, Self::Close, Self::Ping, Self::Pong, Self::Message, Self::Binary, Self::Noop];

    fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Message => "message",
            Self::Binary => "binary",
            Self::Noop => "noop",
        }
    }
}

#[derive(Debug)]
pub(super) struct Traffic {
    received: Packets,
    sent: Packets,
    received_bytes: IntCounter,
    sent_bytes: IntCounter,
    seating: Histogram,
    acks: Histogram,
}

impl Traffic {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name, help| registered(registry, IntCounter::new(name, help)?);
        let histogram = |name, help, buckets: &[f64]| {
            let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            registered(registry, Histogram::with_opts(opts)?)
        };
        Ok(Self {
            received: Packets::new(
                registry,
                "carillon_packets_received_total",
                "Packets that clients sent.",
            )?,
            sent: Packets::new(registry, "carillon_packets_sent_total", "Packets for clients.")?,
            received_bytes: counter(
                "carillon_received_bytes_total",
                "Bytes of clients, as WebSocket frames and bodies of polls.",
            )?,
            sent_bytes: counter(
                "carillon_sent_bytes_total",
                "Bytes written for clients, as WebSocket frames, bodies of polls and event streams.",
            )?,
            seating: histogram(
                "carillon_handshake_seconds",
                "From a client's word that it wants a seat until it sits.",
                &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0],
            )?,
            acks: histogram(
                "carillon_ack_seconds",
                "From a question to a socket until its acknowledgement.",
                &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0],
            )?,
        })
    }
}

/// Looked up once, as they count for every packet.
#[derive(Debug)]
struct Packets([IntCounter; PacketType::ALL.len()]);

impl Packets {
    fn new(registry: &Registry, name: &str, help: &str) -> Result<Self, prometheus::Error> {
        let all = registered(registry, IntCounterVec::new(Opts::new(name, help), &["type"])?)?;
        Ok(Self(PacketType::ALL.map(|kind| all.with_label_values(&[kind.label()]))))
    }

    fn of(&self, kind: PacketType) -> &IntCounter {
        &self.0[kind as usize]
    }
}

impl Events {
    pub(crate) fn received(&self, kind: PacketType) {
        self.traffic.received.of(kind).inc();
    }

    pub(crate) fn received_bytes(&self, bytes: usize) {
        self.traffic.received_bytes.inc_by(bytes as u64);
    }

    /// Something for one client alone, of which so many bytes are out.
    pub(crate) fn sent(&self, encoded: &Encoded, bytes: usize) {
        if let Some(kind) = encoded.packet_type() {
            self.sent_packets(kind, 1);
        }
        self.sent_packets(PacketType::Binary, encoded.attachments().len());
        self.sent_bytes(bytes);
    }

    pub(super) fn sent_packets(&self, kind: PacketType, packets: usize) {
        count(self.traffic.sent.of(kind), packets);
    }

    pub(crate) fn sent_bytes(&self, bytes: usize) {
        count(&self.traffic.sent_bytes, bytes);
    }

    /// A client sits that said so long ago that it wanted to.
    pub(crate) fn seated(&self, time: Duration) {
        self.handshake(Handshake::Seated);
        self.traffic.seating.observe(time.as_secs_f64());
    }

    /// A socket has answered what it was asked then.
    pub(crate) fn answered_since(&self, asked: Instant) {
        self.traffic.acks.observe(asked.elapsed().as_secs_f64());
    }
}

/// Most often there is nothing of a kind.
pub(super) fn count(counter: &IntCounter, number: usize) {
    if number > 0 {
        counter.inc_by(number as u64);
    }
}
