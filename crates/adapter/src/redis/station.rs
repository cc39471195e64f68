//! One node's connection for what nodes say to each other: apart from the one by which it hears notices,
//! so that a large answer never costs it a notice.
//!
//! Its two tasks: `run` makes true what is watched, and keeps the node's lease; `hear` hands out what
//! comes. What is asked and answered is in `post`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, EventInterface},
    types::{ClusterHash, CustomCommand, Message, Value},
};
use notice::NodeId;
use parking_lot::Mutex;
use tokio::{
    sync::{
        Notify,
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    asking::Said,
    error::SignalError,
    redis::{
        bus::{Bus, lasting},
        channels::{self, BATCH_LEN, is_silent},
        events::{Connection, subscribing_failed},
        primaries::slot,
        scripts::is_moving,
        subscriptions::until,
    },
    signals::Watch,
    traffic::Lost,
    watchers::Watchers,
};

/// The first and the longest wait before a subscription is tried again; each is varied by up to a half.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// An announcement is written at most this often.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);
/// How long a node that leaves waits for Redis to take its lease back.
const LEAVE_WAIT: Duration = Duration::from_secs(1);

/// What one node says and hears.
#[derive(Debug)]
pub(crate) struct Station {
    pub(super) bus: Arc<Bus>,
    pub(super) client: Client,
    pub(super) node: NodeId,
    /// Tells this process's lease from that of another of the same name.
    pub(super) token: String,
    pub(super) watchers: Arc<Watchers>,
    pub(super) about: Mutex<Bytes>,
    /// There is something to announce.
    announced: Notify,
    /// Questions of this node that are under way, by id.
    pub(super) questions: Mutex<HashMap<u64, mpsc::Sender<(NodeId, Said)>>>,
}

enum Wake {
    End,
    NewConnection,
    Renewal,
    Announcement,
    Changed,
}

impl Station {
    pub(super) fn new(bus: Arc<Bus>, client: Client, node: NodeId) -> Arc<Self> {
        let watchers = Watchers::subscribing(bus.traffic.clone());
        Arc::new(Self {
            bus,
            client,
            node,
            token: format!("{:016x}", rand::random::<u64>()),
            watchers,
            about: Mutex::default(),
            announced: Notify::new(),
            questions: Mutex::default(),
        })
    }

    pub(crate) fn node(&self) -> &NodeId {
        &self.node
    }

    pub(crate) async fn watch(&self, name: &str, len_max: usize) -> Result<Watch, SignalError> {
        self.connected()?;
        let channel = self.bus.prefix.signal(name);
        let watch = self.watchers.open(&channel, len_max)?;
        self.watchers.changed.notify_one();
        let Some(confirmed) = self.watchers.confirmation(&channel) else { return Ok(watch) };
        match timeout(self.bus.config.publish_wait, confirmed).await {
            Ok(Ok(())) => Ok(watch),
            _ => Err(SignalError::Unreachable),
        }
    }

    pub(crate) async fn send(&self, name: &str, bytes: Bytes) -> Result<usize, SignalError> {
        self.publish(self.bus.prefix.signal(name), bytes).await
    }

    pub(crate) async fn listeners(&self, name: &str) -> Result<usize, SignalError> {
        self.connected()?;
        let channel = self.bus.prefix.signal(name);
        let hash = ClusterHash::Custom(slot(&channel));
        let args = vec![Value::from_static_str("SHARDNUMSUB"), channel.into()];
        let command = CustomCommand::new_static("PUBSUB", hash, false);
        Ok(whole(self.call(command, args).await?.into_array().get(1)))
    }

    /// Sends to one channel, and says how many connections heard.
    pub(super) async fn publish(
        &self,
        channel: String,
        bytes: Bytes,
    ) -> Result<usize, SignalError> {
        self.connected()?;
        let args = vec![Value::from(channel), Value::Bytes(bytes)];
        Ok(whole(Some(&self.call(command("SPUBLISH"), args).await?)))
    }

    async fn call(&self, command: CustomCommand, args: Vec<Value>) -> Result<Value, SignalError> {
        let answer = match self.client.custom(command.clone(), args.clone()).await {
            Err(error) if is_moving(&error) => self.client.custom(command, args).await,
            answer => answer,
        };
        answer.map_err(|error| refused(&error))
    }

    pub(crate) fn announce(&self, about: Bytes) {
        *self.about.lock() = about;
        self.announced.notify_one();
    }

    /// A command while there is no connection would wait for the next one.
    pub(super) fn connected(&self) -> Result<(), SignalError> {
        if self.client.is_connected() { Ok(()) } else { Err(SignalError::Unreachable) }
    }

    pub(super) fn there(&self) -> Result<(), Error> {
        self.connected().map_err(|_| Error::new(ErrorKind::IO, "there is no connection"))
    }

    /// Runs until the node is gone, and then gives back its lease and closes the connection.
    pub(super) async fn run(self: Arc<Self>, gone: CancellationToken) {
        tokio::select! {
            biased;
            () = gone.cancelled() => {}
            () = self.serve() => {}
        }
        self.leave_the_bus().await;
    }

    /// Ends only with the connection.
    async fn serve(&self) {
        let mut connections = self.client.reconnect_rx();
        let mut renewals = interval(self.bus.config.node_lease / 3);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut announcements = interval(ANNOUNCE_EVERY);
        announcements.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut retry, mut retry_at, mut is_held) = (RETRY_MIN, None, true);
        loop {
            let announced = async {
                // In this order, so that what wakes meanwhile costs it its turn and not its announcement.
                announcements.tick().await;
                self.announced.notified().await;
            };
            let wake = tokio::select! {
                biased;
                connection = connections.recv() => match connection {
                    Err(RecvError::Closed) => Wake::End,
                    Ok(_) | Err(RecvError::Lagged(_)) => Wake::NewConnection,
                },
                _ = renewals.tick() => Wake::Renewal,
                () = announced => Wake::Announcement,
                () = self.watchers.changed.notified() => Wake::Changed,
                () = until(retry_at) => Wake::Changed,
            };
            match wake {
                Wake::End => return,
                Wake::NewConnection => {
                    self.bus.events.connected_anew(Connection::Nodes);
                    self.watchers.wish_again();
                }
                // To subscribe once more costs nothing, and ends whatever deafness nobody told us of.
                Wake::Renewal => self.watchers.wish_again(),
                Wake::Announcement | Wake::Changed => {}
            }
            retry_at = match self.subscribe().await {
                Ok(()) => {
                    retry = RETRY_MIN;
                    None
                }
                Err(error) => {
                    subscribing_failed(&self.node, &error);
                    self.watchers.disappoint();
                    self.give_up_silent(&error).await;
                    retry = (retry * 2).min(RETRY_MAX);
                    Some(Instant::now() + retry.mul_f64(rand::random_range(0.5..1.5)))
                }
            };
            if !matches!(wake, Wake::Changed) {
                is_held = self.keep_lease(is_held).await;
            }
        }
    }

    async fn give_up_silent(&self, error: &Error) {
        if is_silent(&self.client, error) {
            drop(self.client.force_reconnection().await);
        }
    }

    async fn leave_the_bus(&self) {
        self.watchers.close_all();
        // Should Redis be gone, the lease ends by itself.
        drop(timeout(LEAVE_WAIT, self.leave()).await);
        drop(self.client.quit().await);
    }

    /// Hands out what comes, until the node is gone.
    pub(super) async fn hear(
        self: Arc<Self>,
        mut messages: broadcast::Receiver<Message>,
        gone: CancellationToken,
    ) {
        loop {
            let message = tokio::select! {
                biased;
                () = gone.cancelled() => return,
                message = messages.recv() => message,
            };
            match message {
                Ok(message) => self.hand_out(message),
                Err(RecvError::Lagged(count)) => self.bus.traffic.lost(Lost::Lagged, count),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn hand_out(&self, message: Message) {
        if let Some(bytes) = message.value.into_bytes() {
            self.watchers.hand_out(&message.channel, &bytes);
        }
    }

    /// Makes true what is watched.
    pub(super) async fn subscribe(&self) -> Result<(), Error> {
        self.there()?;
        channels::unsubscribe(&self.client, self.watchers.unwatched()).await;
        let mut outcome = Ok(());
        for batch in self.watchers.wishes().chunks(BATCH_LEN) {
            let answers = channels::subscribe(&self.client, batch).await;
            let mut subscribed = Vec::with_capacity(batch.len());
            for (channel, answer) in batch.iter().zip(answers) {
                match answer {
                    Ok(()) => subscribed.push(channel.clone()),
                    Err(error) => outcome = Err(error),
                }
            }
            self.watchers.confirm(&subscribed);
            if subscribed.is_empty() {
                // The rest would fare no better.
                return outcome;
            }
        }
        outcome
    }
}

fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::FirstKey, false)
}

pub(super) fn whole(number: Option<&Value>) -> usize {
    number.and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

pub(super) fn refused(error: &Error) -> SignalError {
    match lasting(error) {
        Some(reason) => SignalError::Broken { reason },
        None => SignalError::Unreachable,
    }
}
