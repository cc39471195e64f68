//! The bus of one process, in memory, for as long as the process lives.
//!
//! May not enter: anything that outlives the process. Promise: the same as the bus between
//! processes, and the same suite of tests (`tests/contract`) holds it to that.

mod bus;
mod shard;

mod clock;
mod ears;
mod exchange;
mod held;
mod life;
mod log;
mod places;
mod recent;
mod revoked;
mod rooms;
mod tasks;
mod uplink;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use notice::NodeId;
use prometheus::Registry;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    bus::Bus,
    ears::Ear,
    exchange::{Exchange, Place},
    held::HeldList,
    revoked::RevokedList,
    rooms::Rooms,
    uplink::Kept,
};
use crate::{
    config::Config, echo::Echo, held_seats::HeldSeats, interest::Interest, link::Link,
    logins::Logins, metrics::Metrics, nodes::Nodes, publisher::Publisher, revocations::Revocations,
    signals::Signals, store::Store, traffic::Traffic, uplink::Uplink,
};

/// How often what has expired is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// A bus in memory. Several nodes of one process may link to it; clones are the same bus.
#[derive(Clone, Debug)]
pub struct Embedded {
    bus: Arc<Bus>,
    rooms: Arc<Rooms>,
    exchange: Arc<Exchange>,
    revoked: Arc<RevokedList>,
    held: Arc<HeldList>,
    kept: Arc<Kept>,
    metrics: Metrics,
}

impl Embedded {
    /// Fails when `registry` already holds a bus's metrics.
    pub fn new(config: Config, registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::new(registry)?;
        let exchange = Exchange::new(Traffic::new(registry)?);
        let rooms = Arc::new(Rooms::new(config.clone(), metrics.clone()));
        let revoked = Arc::new(RevokedList::new(config.revocations_max));
        let bus = Arc::new(Bus::new(config, metrics.clone()));
        let (held, kept) = Default::default();
        Ok(Self { bus, rooms, exchange, revoked, held, kept, metrics })
    }

    /// Puts one more node on the bus.
    pub fn link(&self, node: NodeId) -> Link {
        let gone = CancellationToken::new();
        let (place, requests) = self.exchange.enter(node.clone(), gone.clone());
        let uplink =
            || Uplink::of_embedded(node.clone(), Arc::clone(&self.kept), self.metrics.clone());
        let uplink = self.bus.config().uplink.is_some().then(uplink);
        let (ear, inbox) = Ear::open(node, self.bus.config().inbox_len_max, gone.drop_guard());
        let ear = Arc::new(ear);
        Link {
            publisher: Publisher::of_embedded(Arc::clone(&self.bus)),
            interest: Interest::of_embedded(Arc::clone(&self.bus), Arc::clone(&ear)),
            inbox,
            store: Store::of_embedded(Arc::clone(&self.bus)),
            logins: Logins::of_embedded(Arc::clone(&self.rooms), ear),
            revocations: Revocations::of_embedded(Arc::clone(&self.revoked)),
            held_seats: HeldSeats::of_embedded(Arc::clone(&self.held)),
            signals: Signals::of_embedded(Arc::clone(&self.exchange), Arc::clone(&place)),
            nodes: Nodes::of_embedded(Arc::clone(&self.exchange), place),
            requests,
            echo: Echo::default(),
            uplink,
        }
    }

    /// What clients said, oldest first, each entry as its fields: here there is no stream to read it from.
    pub fn uplinked(&self) -> Vec<Vec<(&'static str, String)>> {
        self.kept.all()
    }

    /// Gives back the memory of what has expired, until `stop`. Nothing expired is shown without it.
    pub async fn run(&self, stop: CancellationToken) {
        let mut ticks = interval(SWEEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turn = 0;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = ticks.tick() => {
                    self.bus.sweep(turn);
                    self.rooms.sweep();
                    self.held.sweep();
                }
            }
            turn += 1;
        }
    }
}
