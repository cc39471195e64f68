//! What one round of handing out comes to: counted here alone, and told once when the round is over, since what is
//! counted for each socket costs all cores a word that they share.

use std::time::{Duration, SystemTime};

use prometheus::{IntCounter, IntCounterVec, local::LocalHistogram};

use super::{
    Dropped, Events,
    traffic::{PacketType, count},
};
use crate::{
    encoded::Encoded,
    engine::{Dialect, Sent, Transport},
};

/// The `transport` labels of `carillon_deliveries_total`.
#[derive(Clone, Copy, Debug)]
enum Road {
    Polling,
    WebSocket,
    EventStream,
    PlainWebSocket,
}

impl Road {
    const ALL: [Self; 4] =
        [Self::Polling, Self::WebSocket, Self::EventStream, Self::PlainWebSocket];

    fn of(transport: Transport, dialect: Dialect) -> Self {
        match (transport, dialect) {
            (_, Dialect::PlainWebSocket) => Self::PlainWebSocket,
            (Transport::WebSocket, _) => Self::WebSocket,
            (Transport::Stream | Transport::Tail, _) => Self::EventStream,
            (Transport::Polling | Transport::Upgrading, _) => Self::Polling,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
            Self::EventStream => "sse",
            Self::PlainWebSocket => "ws",
        }
    }
}

/// Looked up once: these count on the hot path.
#[derive(Debug)]
pub(super) struct Deliveries([IntCounter; Road::ALL.len()]);

impl Deliveries {
    pub(super) fn of(counters: &IntCounterVec) -> Self {
        Self(Road::ALL.map(|road| counters.with_label_values(&[road.label()])))
    }
}

/// Told when it is dropped.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    events: &'a Events,
    /// The time of day at the round's beginning.
    now: SystemTime,
    deliveries: [usize; Road::ALL.len()],
    messages: usize,
    attachments: usize,
    bytes: usize,
    /// The seconds that the first delivery took: most rounds have no other.
    first_took: Option<f64>,
    /// Those of the others, told when this is dropped.
    others_took: Option<LocalHistogram>,
}

impl<'a> Tally<'a> {
    pub(crate) fn of_round(events: &'a Events, now: SystemTime) -> Self {
        Self {
            events,
            now,
            deliveries: [0; Road::ALL.len()],
            messages: 0,
            attachments: 0,
            bytes: 0,
            first_took: None,
            others_took: None,
        }
    }

    /// A message for one socket.
    pub(crate) fn sent(&mut self, encoded: &Encoded) {
        self.messages += 1;
        self.attachments += encoded.attachments().len();
    }

    /// So much of what was sent is out.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// A socket has a notice that was handed in then, unless it comes out of the store.
    pub(crate) fn delivered(
        &mut self,
        sent: Sent,
        dialect: Dialect,
        handed_in: Option<SystemTime>,
    ) {
        self.deliveries[Road::of(sent.transport, dialect) as usize] += 1;
        // What is caught up on is as old as its reader was long away.
        if let Some(handed_in) = handed_in {
            let delay = self.now.duration_since(handed_in).unwrap_or(Duration::ZERO);
            self.took(delay.as_secs_f64());
        }
    }

    fn took(&mut self, seconds: f64) {
        if self.first_took.is_none() {
            self.first_took = Some(seconds);
            return;
        }
        let others = self.others_took.get_or_insert_with(|| self.events.delivery_seconds.local());
        others.observe(seconds);
    }

    pub(crate) fn dropped(&self, dropped: Dropped) {
        self.events.dropped(dropped);
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        for (counter, number) in self.events.deliveries.0.iter().zip(self.deliveries) {
            count(counter, number);
        }
        self.events.sent_packets(PacketType::Message, self.messages);
        self.events.sent_packets(PacketType::Binary, self.attachments);
        self.events.sent_bytes(self.bytes);
        if let Some(seconds) = self.first_took {
            self.events.delivery_seconds.observe(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::gateway;

    #[tokio::test]
    async fn each_delivery_of_a_round_is_told_with_how_long_it_took() {
        let gateway = gateway(|_| {});
        let (events, now) = (&gateway.shared().events, SystemTime::now());
        let (sent, dialect) =
            (Sent { transport: Transport::WebSocket, bytes: 1 }, Dialect::Engine4);
        let mut tally = Tally::of_round(events, now);
        for seconds in 1..=3 {
            tally.delivered(sent, dialect, Some(now - Duration::from_secs(seconds)));
        }
        tally.delivered(sent, dialect, None);
        drop(tally);
        assert_eq!(events.delivery_seconds.get_sample_count(), 3);
        assert!((events.delivery_seconds.get_sample_sum() - 6.0).abs() < 1e-6);
    }
}
