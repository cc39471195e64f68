//! Makes true what a node wishes to hear: subscribes in batches, again after every new connection, and
//! drops what nobody wishes for any more.

use std::{collections::VecDeque, mem, sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::Error,
    interfaces::{ClientLike, ClusterInterface, EventInterface, PubsubInterface},
    types::{ClusterHash, ClusterStateChange, CustomCommand, Value, config::Server},
};
use notice::Audience;
use tokio::{
    sync::{
        Notify,
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    inbox::Arrival,
    redis::{
        bus::Bus,
        config::Layout,
        ears::{Ears, Look, Sighting},
        events::subscribing_failed,
        primaries::{Owners, Runs, at, field, info},
    },
};

/// Audiences subscribed to in one trip.
const BATCH_LEN: usize = 256;
/// The first and the longest wait before a batch is tried again; each is varied by up to a half.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// How often the connection is asked whether it is there: nothing else is ever asked of it.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PING_WAIT: Duration = Duration::from_secs(5);

/// In how many parts the store is compared with what was heard, so that it is never asked for all at once.
const ROUND_PARTS: u32 = 30;

/// The task behind one node's [`Interest`](crate::Interest).
pub(super) struct Subscriptions {
    pub(super) bus: Arc<Bus>,
    pub(super) ears: Arc<Ears>,
    pub(super) client: Client,
    /// Only to learn when the inbox is gone.
    pub(super) inbox: mpsc::Sender<Arrival>,
    /// Messages were dropped unread, so every audience is to be looked at.
    pub(super) lagged: Arc<Notify>,
    /// The canary does not come back.
    pub(super) silent: Arc<Notify>,
    pub(super) layout: Layout,
    /// How often every audience is compared with the store.
    pub(super) positions_every: Duration,
    /// The processes behind the primaries, as of the last new connection.
    pub(super) runs: Runs,
    pub(super) owners: Owners,
    /// What is still to be compared in this round, and when the next begins.
    pub(super) round: VecDeque<Audience>,
    pub(super) round_at: Instant,
    /// Why this round is.
    pub(super) look: Look,
}

enum Wake {
    Stop,
    NewConnection(Option<Server>),
    SlotsMoved,
    SlotsMovedElsewhere,
    Silent,
    Lagged,
    Wished,
    Lingered,
    Ping,
    Compare,
}

/// What the task waits for, besides its notes.
struct Signals {
    connections: broadcast::Receiver<Server>,
    slots: broadcast::Receiver<Vec<ClusterStateChange>>,
    /// The connection that publishes learns first that a slot has moved.
    slots_elsewhere: broadcast::Receiver<Vec<ClusterStateChange>>,
    pings: Interval,
    parts: Interval,
    retry_at: Option<Instant>,
}

impl Subscriptions {
    /// Runs until `stop` or until the inbox is gone, and then closes the connection.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut signals = Signals {
            connections: self.client.reconnect_rx(),
            slots: self.client.cluster_change_rx(),
            slots_elsewhere: self.bus.client.cluster_change_rx(),
            pings: every(PING_EVERY),
            parts: every(self.positions_every / ROUND_PARTS),
            retry_at: None,
        };
        let mut retry = RETRY_MIN;
        loop {
            match self.wake(&mut signals, &stop).await {
                Wake::Stop => break,
                Wake::NewConnection(server) => self.wish_for(server.as_ref()),
                Wake::SlotsMoved => self.wish_for_moved(),
                // It tells us, as soon as it has looked too. Should it fail, the canary's task looks.
                Wake::SlotsMovedElsewhere => drop(self.client.sync_cluster().await),
                Wake::Silent => self.rebuild().await,
                Wake::Lagged => {
                    self.round = self.ears.confirmed().into();
                    self.look = Look::Loss;
                }
                Wake::Wished => {}
                Wake::Lingered => self.drop_lingering().await,
                Wake::Ping => self.ping().await,
                Wake::Compare => self.compare().await,
            }
            signals.retry_at = match self.subscribe().await {
                Ok(()) => {
                    retry = RETRY_MIN;
                    None
                }
                Err(error) => {
                    subscribing_failed(&self.ears.node, &error);
                    retry = (retry * 2).min(RETRY_MAX);
                    Some(Instant::now() + retry.mul_f64(rand::random_range(0.5..1.5)))
                }
            };
        }
        // Redis drops the subscriptions with the connection; should it be gone, there are none.
        drop(self.client.quit().await);
    }

    async fn wake(&self, signals: &mut Signals, stop: &CancellationToken) -> Wake {
        let lingers_until = self.ears.lingers_until();
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            () = self.inbox.closed() => Wake::Stop,
            connection = signals.connections.recv() => match connection {
                Err(RecvError::Closed) => Wake::Stop,
                Ok(server) => Wake::NewConnection(Some(server)),
                Err(RecvError::Lagged(_)) => Wake::NewConnection(None),
            },
            _ = signals.slots.recv() => Wake::SlotsMoved,
            _ = signals.slots_elsewhere.recv() => Wake::SlotsMovedElsewhere,
            () = self.silent.notified() => Wake::Silent,
            () = self.lagged.notified() => Wake::Lagged,
            // Above what members wish for, of which there may be more without end.
            _ = signals.pings.tick() => Wake::Ping,
            _ = signals.parts.tick() => Wake::Compare,
            () = self.ears.wished.notified() => Wake::Wished,
            () = until(signals.retry_at) => Wake::Wished,
            () = until(lingers_until) => Wake::Lingered,
        }
    }

    /// Wishes for what this server held, or for everything.
    fn wish_for(&mut self, server: Option<&Server>) {
        let before = mem::replace(&mut self.owners, Owners::of(&self.client));
        // Who is behind it must be asked.
        self.runs = Runs::default();
        let all = self.layout != Layout::Cluster || server.is_none();
        // That slots have moved may be told only after this.
        self.ears.wish_again(|audience| {
            let owner = self.owner(audience);
            let channel = self.bus.prefix.channel(audience);
            all || owner.as_ref() == server || owner != before.of_key(&channel)
        });
    }

    /// Wishes for what is held by another server than before.
    fn wish_for_moved(&mut self) {
        let before = mem::replace(&mut self.owners, Owners::of(&self.client));
        self.runs = Runs::default();
        self.ears.wish_again(|audience| {
            let channel = self.bus.prefix.channel(audience);
            before.of_key(&channel) != self.owners.of_key(&channel)
        });
    }

    fn owner(&self, audience: &Audience) -> Option<Server> {
        self.owners.of_key(&self.bus.prefix.channel(audience))
    }

    /// Nothing is heard though the connection stands.
    async fn rebuild(&mut self) {
        if self.layout == Layout::Cluster {
            // fred keeps a cluster's connections that look well, so all is subscribed to once more.
            drop(self.client.sync_cluster().await);
            self.wish_for(None);
        } else {
            drop(self.client.force_reconnection().await);
        }
    }

    /// Subscribes to all that is wished for.
    async fn subscribe(&mut self) -> Result<(), Error> {
        loop {
            let audiences = self.ears.wishes(BATCH_LEN);
            if audiences.is_empty() {
                return Ok(());
            }
            if let Err(error) = self.subscribe_to(&audiences).await {
                self.ears.put_back(audiences);
                return Err(error);
            }
        }
    }

    /// One channel a command, because Redis confirms each by itself, and fred takes one answer for one
    /// command.
    async fn subscribe_to(&mut self, audiences: &[Audience]) -> Result<(), Error> {
        let pipeline = self.client.pipeline();
        for audience in audiences {
            let channel = Value::from(self.bus.prefix.channel(audience));
            let command = CustomCommand::new_static("SSUBSCRIBE", ClusterHash::FirstKey, false);
            let () = pipeline.custom(command, vec![channel]).await?;
        }
        drop(pipeline.all::<Vec<Value>>().await?);
        self.look_at(audiences, Look::Loss).await
    }

    /// Compares what was heard of these with the store.
    async fn look_at(&mut self, audiences: &[Audience], look: Look) -> Result<(), Error> {
        if self.runs.is_empty() {
            self.runs = Runs::read(&self.client).await?;
        }
        let heard = self.ears.heard(audiences);
        let newest = self.bus.positions(audiences).await?;
        let sightings =
            audiences.iter().zip(heard).zip(newest).map(|((audience, heard), newest)| {
                let run = self.runs.get(self.owner(audience).as_ref());
                Sighting { audience: audience.clone(), heard, newest, run }
            });
        self.ears.confirm(sightings.collect(), &self.runs, look);
        Ok(())
    }

    /// The next part of a round over all that is subscribed to.
    async fn compare(&mut self) {
        self.ears.suspect_doubts(Instant::now());
        if self.round.is_empty() && self.round_at <= Instant::now() {
            self.round = self.ears.confirmed().into();
            self.round_at = Instant::now() + self.positions_every;
            self.look = Look::Round;
        }
        let part = self.ears.len().div_ceil(ROUND_PARTS as usize);
        let mut part = part.min(self.round.len());
        while part > 0 {
            let batch: Vec<_> = self.round.drain(..part.min(BATCH_LEN)).collect();
            part -= batch.len();
            if self.look_at(&batch, self.look).await.is_err() {
                // To be subscribed to once more is to be looked at once more.
                self.ears.put_back(batch);
                return;
            }
        }
    }

    async fn drop_lingering(&self) {
        for audience in self.ears.drop_lingering(Instant::now()) {
            // Should it fail, the connection is gone and the subscription with it.
            drop(self.client.sunsubscribe(self.bus.prefix.channel(&audience)).await);
        }
    }

    async fn ping(&self) {
        for server in self.owners.all() {
            let client = at(&self.client, server.as_ref());
            let answer = timeout(PING_WAIT, client.ping::<()>(None)).await;
            if !matches!(answer, Ok(Ok(()))) && self.client.is_connected() {
                drop(self.client.force_reconnection().await);
                return;
            }
        }
        if self.layout == Layout::Sentinel && self.is_demoted().await {
            drop(self.client.force_reconnection().await);
        }
    }

    /// Whether we listen to what was the primary once.
    async fn is_demoted(&self) -> bool {
        let about = info(&self.client, "replication").await;
        about.is_ok_and(|about| field(&about, "role") == "slave")
    }
}

fn every(time: Duration) -> Interval {
    // What is to be done all the time must not be done without end.
    let mut ticks = interval(time.max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
