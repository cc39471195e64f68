//! Makes true what a node wishes to hear: subscribes in batches, again after every new connection, and
//! drops what nobody wishes for any more.

use std::{mem, sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, ClusterInterface, EventInterface},
    types::{ClusterStateChange, config::Server},
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
        address::Layout,
        bus::{Bus, lasting},
        channels::{self, BATCH_LEN},
        ears::Ears,
        events::{Connection, subscribing_failed},
        primaries::{Owners, Runs, at, is_deposed},
        round::Round,
        suspicion::{Look, Sighting},
    },
};

/// The first and the longest wait before what was refused is tried again; each is varied by up to a half.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// How often the connection is asked whether it is there: nothing else is ever asked of it.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PING_WAIT: Duration = Duration::from_secs(5);

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
    /// The processes behind the primaries, as of the last new connection.
    pub(super) runs: Runs,
    pub(super) owners: Owners,
    pub(super) round: Round,
    pub(super) refused: Refused,
}

enum Wake {
    End,
    NewConnection(Option<Server>),
    SlotsMoved,
    SlotsMovedElsewhere,
    Silent,
    Lagged,
    Ping,
    Compare,
    Lingered,
    Retry,
    Wished,
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

/// What could not be subscribed to, or compared, until it is tried again. At most what has a member, twice.
#[derive(Default)]
pub(super) struct Refused {
    audiences: Vec<Audience>,
    /// Why, since somebody asked.
    error: Option<Error>,
}

impl Refused {
    /// That there was no answer is the most telling.
    fn add(&mut self, audience: Audience, error: Error) {
        self.audiences.push(audience);
        self.error = self.error.take().filter(|before| *before.kind() == ErrorKind::Timeout);
        self.error.get_or_insert(error);
    }
}

impl Subscriptions {
    /// Runs until `stop` or until the inbox is gone, and then closes the connection.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let inbox = self.inbox.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = inbox.closed() => {}
            () = self.serve() => {}
        }
        // Redis drops the subscriptions with the connection; should it be gone, there are none.
        drop(self.client.quit().await);
    }

    /// Ends only with the connection.
    async fn serve(&mut self) {
        let mut signals = Signals {
            connections: self.client.reconnect_rx(),
            slots: self.client.cluster_change_rx(),
            slots_elsewhere: self.bus.client.cluster_change_rx(),
            pings: every(PING_EVERY),
            parts: every(self.round.part_every()),
            retry_at: None,
        };
        let mut retry = RETRY_MIN;
        loop {
            match self.wake(&mut signals).await {
                Wake::End => return,
                Wake::NewConnection(server) => {
                    self.bus.events.connected_anew(Connection::Hears);
                    self.wish_for(server.as_ref());
                }
                Wake::SlotsMoved => self.wish_for_moved(),
                // It tells us, as soon as it has looked too. Should it fail, the canary's task looks.
                Wake::SlotsMovedElsewhere => drop(self.client.sync_cluster().await),
                Wake::Silent => self.rebuild().await,
                Wake::Lagged => self.round.begin_after_loss(self.ears.confirmed()),
                Wake::Ping => self.ping().await,
                Wake::Compare => self.compare().await,
                Wake::Lingered => self.drop_lingering().await,
                Wake::Retry => {
                    signals.retry_at = None;
                    self.wish_for_refused();
                }
                Wake::Wished => {}
            }
            self.subscribe().await;
            if let Some(error) = self.refused.error.take() {
                subscribing_failed(&self.ears.node, &error);
                self.give_up_silent(&error).await;
                let wait = retry.mul_f64(rand::random_range(0.5..1.5));
                signals.retry_at.get_or_insert_with(|| Instant::now() + wait);
                retry = (retry * 2).min(RETRY_MAX);
            } else if self.refused.audiences.is_empty() {
                retry = RETRY_MIN;
            }
        }
    }

    async fn wake(&self, signals: &mut Signals) -> Wake {
        let lingers_until = self.ears.lingers_until();
        tokio::select! {
            biased;
            connection = signals.connections.recv() => match connection {
                Err(RecvError::Closed) => Wake::End,
                Ok(server) => Wake::NewConnection(Some(server)),
                Err(RecvError::Lagged(_)) => Wake::NewConnection(None),
            },
            _ = signals.slots.recv() => Wake::SlotsMoved,
            _ = signals.slots_elsewhere.recv() => Wake::SlotsMovedElsewhere,
            () = self.silent.notified() => Wake::Silent,
            () = self.lagged.notified() => Wake::Lagged,
            _ = signals.pings.tick() => Wake::Ping,
            _ = signals.parts.tick() => Wake::Compare,
            () = until(lingers_until) => Wake::Lingered,
            () = until(signals.retry_at) => Wake::Retry,
            // Below all else, because there may be more of it without end.
            () = self.ears.wished.notified() => Wake::Wished,
        }
    }

    /// Wishes for what this server held, or for everything.
    fn wish_for(&mut self, server: Option<&Server>) {
        let before = mem::replace(&mut self.owners, Owners::of(&self.client));
        // Who is behind it must be asked.
        self.runs = Runs::default();
        self.wish_for_refused();
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

    /// Wishes once more for what did not work out.
    fn wish_for_refused(&mut self) {
        self.ears.put_back(mem::take(&mut self.refused.audiences));
    }

    /// Subscribes to some of what is wished for. The rest has its turn behind all else; or, where nothing
    /// works out, with the next try.
    async fn subscribe(&mut self) {
        let audiences = self.ears.wishes(BATCH_LEN);
        let worst = self.refused.audiences.len() + audiences.len();
        if audiences.is_empty() {
            return;
        }
        self.subscribe_to(audiences).await;
        if self.refused.audiences.len() < worst {
            self.ears.wished.notify_one();
        }
    }

    async fn subscribe_to(&mut self, audiences: Vec<Audience>) {
        let channel = |audience| self.bus.prefix.channel(audience);
        let channels: Vec<_> = audiences.iter().map(channel).collect();
        let answers = channels::subscribe(&self.client, &channels).await;
        let mut subscribed = Vec::with_capacity(audiences.len());
        for (audience, answer) in audiences.into_iter().zip(answers) {
            match answer {
                Ok(()) => subscribed.push(audience),
                Err(error) => self.refuse(audience, error),
            }
        }
        self.look_at(subscribed, Look::Loss).await;
    }

    /// Compares what was heard of these with the store, which is asked by the same connection: another one
    /// may lead to a server that has been deposed, or has not been told yet.
    async fn look_at(&mut self, audiences: Vec<Audience>, look: Look) {
        if let Err(error) = self.know_runs().await {
            for audience in audiences {
                self.refuse(audience, error.clone());
            }
            return;
        }
        let heard = self.ears.heard(&audiences);
        let places = self.bus.positions(&self.client, &audiences).await;
        let mut sightings = Vec::with_capacity(audiences.len());
        for ((audience, heard), newest) in audiences.into_iter().zip(heard).zip(places) {
            match newest {
                Ok(newest) => {
                    let run = self.runs.get(self.owner(&audience).as_ref());
                    sightings.push(Sighting { audience, heard, newest, run });
                }
                Err(error) => self.refuse(audience, error),
            }
        }
        self.ears.confirm(sightings, &self.runs, look);
    }

    async fn know_runs(&mut self) -> Result<(), Error> {
        if self.runs.is_empty() {
            self.runs = Runs::read(&self.client).await?;
        }
        Ok(())
    }

    /// It is tried again; but who waits for it is told if that will not help.
    fn refuse(&mut self, audience: Audience, error: Error) {
        if let Some(reason) = lasting(&error) {
            self.ears.disappoint(&audience, &reason);
        }
        self.refused.add(audience, error);
    }

    /// Gives up a connection that owes an answer; of a cluster's, those that fred then finds broken.
    async fn give_up_silent(&self, error: &Error) {
        if !channels::is_silent(&self.client, error) {
            return;
        }
        drop(match self.layout {
            // One that leads nowhere stays until the system gives it up.
            Layout::Cluster => self.client.sync_cluster().await,
            Layout::Alone | Layout::Sentinel => self.client.force_reconnection().await,
        });
    }

    /// The next part of a round over all that is subscribed to.
    async fn compare(&mut self) {
        self.ears.suspect_doubts(Instant::now());
        self.round.begin_if_due(Instant::now(), || self.ears.confirmed());
        let mut part = self.round.part_len(self.ears.len());
        while part > 0 && self.refused.error.is_none() {
            let batch = self.round.take(part.min(BATCH_LEN));
            part -= batch.len();
            self.look_at(batch, self.round.look()).await;
        }
    }

    async fn drop_lingering(&self) {
        let dropped = self.ears.drop_lingering(Instant::now(), BATCH_LEN);
        let channel = |audience| self.bus.prefix.channel(audience);
        channels::unsubscribe(&self.client, dropped.iter().map(channel).collect()).await;
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
        if self.layout == Layout::Sentinel && is_deposed(&self.client).await {
            drop(self.client.force_reconnection().await);
        }
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
