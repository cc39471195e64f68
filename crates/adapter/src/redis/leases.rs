//! One node's leases on rooms: taken, renewed every third of their length, given back, and given up by the
//! node itself before another could get in.
//!
//! Why that is safe: a lease runs on the store's clock from when the store takes a login or renews it, the
//! node counts from before it asked, and to four fifths only.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use fred::{error::Error, types::Value};
use futures_util::future::join_all;
use notice::{Audience, NodeId, SocketId};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    inbox::Arrival,
    metrics::PutOutCause,
    redis::{
        bus::{Bus, millis},
        events,
        held::{Held, Over},
    },
};

/// Logins given back in one trip.
const BATCH_LEN: usize = 128;
/// Logins to give back that wait for the store. Past it they are not given back, and run out.
const OVER_MAX: usize = 100_000;
/// How long a node that stops may take to give back what is left.
const LAST_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Leases {
    pub(super) bus: Arc<Bus>,
    pub(super) node: NodeId,
    pub(crate) held: Held,
    /// The Redis processes that the cluster has known for a lease or longer, as the script looks for them.
    pub(super) settled: Mutex<String>,
    over: Mutex<Vec<Over>>,
    some_over: Notify,
    /// Members that were put out, as only their renewal showed, and are not told yet. They are held no
    /// more, so these are no more than were held.
    pub(super) late: Mutex<VecDeque<(Audience, Vec<SocketId>)>>,
    pub(super) some_late: Notify,
}

impl Leases {
    pub(super) fn new(bus: Arc<Bus>, node: NodeId) -> Arc<Self> {
        let held = Held::new(bus.config.login_rooms_max);
        let (settled, over, late) = (Mutex::default(), Mutex::default(), Mutex::default());
        let (some_over, some_late) = (Notify::new(), Notify::new());
        Arc::new(Self { bus, node, held, settled, over, some_over, late, some_late })
    }

    pub(super) fn lease(&self) -> Duration {
        self.bus.config.login_lease
    }

    /// How long a login is sure that was taken or renewed from `since` on.
    pub(super) fn sure_until(&self, since: Instant) -> Instant {
        since + self.lease().mul_f64(0.8)
    }

    pub(crate) async fn leave(&self, room: &Audience, member: &SocketId) {
        let Some(over) = self.held.leave(room, member) else { return };
        if self.bus.scripts.logout.run(&self.bus.client, &self.logout(&over)).await.is_err() {
            self.give_back(over);
        }
    }

    pub(crate) fn leave_soon(&self, room: &Audience, member: &SocketId) {
        if let Some(over) = self.held.leave(room, member) {
            self.give_back(over);
        }
    }

    pub(super) fn give_back(&self, login: Over) {
        let mut over = self.over.lock();
        if over.len() < OVER_MAX {
            over.push(login);
        }
        drop(over);
        self.some_over.notify_one();
    }

    /// Runs until `stop` or until the inbox is gone, and then gives back what has been left. A node that
    /// does not come that far leaves its leases to run out.
    pub(super) async fn run(
        self: Arc<Self>,
        inbox: mpsc::Sender<Arrival>,
        stop: CancellationToken,
    ) {
        let keeping = async {
            tokio::join!(
                self.renew_all(),
                self.tell_all_late(&inbox),
                self.expire_all(&inbox),
                self.give_all_back(),
            )
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = inbox.closed() => {}
            _ = keeping => {}
        }
        if timeout(LAST_WAIT, self.give_back_now()).await.is_err() {
            events::leases_left(&self.node);
        }
    }

    /// Apart from the renewals, which a full inbox must not hold up.
    async fn tell_all_late(&self, inbox: &mpsc::Sender<Arrival>) {
        loop {
            self.some_late.notified().await;
            while let Some((room, members)) = self.next_late() {
                self.tell(&room, members, PutOutCause::FoundLate, inbox).await;
            }
        }
    }

    fn next_late(&self) -> Option<(Audience, Vec<SocketId>)> {
        self.late.lock().pop_front()
    }

    async fn expire_all(&self, inbox: &mpsc::Sender<Arrival>) {
        // So that a fifth of the lease is left, less one of these, to tell the members.
        let mut ticks = interval((self.lease() / 50).max(Duration::from_millis(5)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for over in self.held.expire(Instant::now()) {
                let members = vec![over.member.clone()];
                self.tell(&over.room, members, PutOutCause::NotRenewed, inbox).await;
                self.give_back(over);
            }
        }
    }

    /// A node whose inbox is gone has nobody to tell.
    async fn tell(
        &self,
        room: &Audience,
        members: Vec<SocketId>,
        cause: PutOutCause,
        inbox: &mpsc::Sender<Arrival>,
    ) {
        if !members.is_empty() {
            self.bus.metrics.put_out(cause, members.len());
            inbox.send(Arrival::PutOut { room: room.clone(), members }).await.ok();
        }
    }

    async fn give_all_back(&self) {
        let mut retries = interval(self.lease() / 3);
        retries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.some_over.notified().await;
            while self.give_back_now().await.is_err() {
                retries.tick().await;
            }
        }
    }

    /// Gives back what waits for it, as far as the store answers.
    async fn give_back_now(&self) -> Result<(), Error> {
        loop {
            let batch: Vec<_> = {
                let mut over = self.over.lock();
                let len = over.len().min(BATCH_LEN);
                over.drain(..len).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            self.give_batch_back(batch).await?;
        }
    }

    /// What the store did not take waits for the next time.
    async fn give_batch_back(&self, batch: Vec<Over>) -> Result<(), Error> {
        let logout = &self.bus.scripts.logout;
        let each =
            batch.iter().map(async |over| logout.run(&self.bus.client, &self.logout(over)).await);
        let answers = join_all(each).await;
        let mut given = Ok(());
        for (over, answer) in batch.into_iter().zip(answers) {
            if let Err(error) = answer {
                self.give_back(over);
                given = Err(error);
            }
        }
        given
    }

    fn logout(&self, over: &Over) -> Vec<Value> {
        let mut args = self.args(&over.room);
        args.extend([over.member.as_str().into(), over.ticket.to_string().into()]);
        args
    }

    /// The keys and the length of a lease, which every script takes.
    pub(super) fn args(&self, room: &Audience) -> Vec<Value> {
        let mut args = Vec::from(self.bus.prefix.room_keys(room));
        args.push(millis(self.lease()));
        args
    }

    /// For how long the cluster has known this Redis process with this history.
    pub(super) async fn era(&self, run: &str) -> Result<Duration, Error> {
        let args = [self.bus.prefix.eras().into(), run.into()];
        let answer = self.bus.scripts.era.run(&self.bus.client, &args).await?;
        Ok(Duration::from_millis(answer.as_u64().unwrap_or_default()))
    }
}
