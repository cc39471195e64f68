//! A message that a node sends to itself through each primary: the proof that it hears, and how long that
//! takes. Where it falls silent, the subscriptions are made anew.
//!
//! It goes out by the connection that publishes and comes back by the one that hears, on a channel like
//! an audience's. In a cluster the task also looks whether slots have moved, because fred does not pass on
//! that Redis has ended a subscription.

use std::{collections::HashMap, slice, sync::Arc, time::Duration};

use bytes::Bytes;
use fred::{
    clients::Client,
    error::Error,
    interfaces::{ClientLike, ClusterInterface, EventInterface},
    types::{ClusterHash, CustomCommand, Value, config::Server},
};
use rand::distr::{Alphanumeric, SampleString};
use tokio::{
    sync::{
        Notify,
        broadcast::{self, error::TryRecvError},
        mpsc,
    },
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    echo::Echo,
    inbox::Arrival,
    redis::{
        bus::Bus,
        channels,
        primaries::{Owners, at},
    },
};

/// What no epoch begins with, and so no notice.
const MARK: u8 = b'!';
/// Channels tried for one that a certain primary holds: with a hundred primaries, some hundred are.
const CHANNELS_MAX: u32 = 20_000;
const NAME_LEN: usize = 12;

/// One node's canaries.
pub(super) struct Canary {
    pub(super) bus: Arc<Bus>,
    /// The connection that hears.
    pub(super) client: Client,
    pub(super) echoes: mpsc::Receiver<Bytes>,
    /// Only to learn when the inbox is gone.
    pub(super) inbox: mpsc::Sender<Arrival>,
    /// Told when the subscriptions must be made anew.
    pub(super) silent: Arc<Notify>,
    /// What is known of it elsewhere.
    pub(super) echo: Echo,
    pub(super) every: Duration,
    pub(super) wait: Duration,
}

/// What is known between two rounds.
struct Nest {
    /// In front of the channels' numbers; no other node has it.
    name: String,
    channels: HashMap<Option<Server>, String>,
    reconnects: broadcast::Receiver<Server>,
    slots: Value,
    round: u64,
}

pub(super) fn is_canary(bytes: &Bytes) -> bool {
    bytes.first() == Some(&MARK)
}

impl Canary {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut rounds = interval(self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut nest = Nest {
            name: Alphanumeric.sample_string(&mut rand::rng(), NAME_LEN),
            channels: HashMap::new(),
            reconnects: self.client.reconnect_rx(),
            slots: Value::Null,
            round: 0,
        };
        let mut was_silent = false;
        let inbox = self.inbox.clone();
        loop {
            let round = async {
                rounds.tick().await;
                self.round(&mut nest).await
            };
            let silent = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = inbox.closed() => return,
                silent = round => silent,
            };
            self.tell(silent.as_ref().ok().copied());
            // Should Redis not answer, others tell.
            let Ok(is_silent) = silent else {
                nest.channels.clear();
                continue;
            };
            self.bus.events.hears(is_silent, was_silent);
            was_silent = is_silent;
            if is_silent {
                nest.channels.clear();
                self.silent.notify_one();
            }
        }
    }

    /// `None`: it was not even sent, which says something only while Redis answers.
    fn tell(&self, is_silent: Option<bool>) {
        match is_silent {
            Some(true) => self.echo.stayed_out(),
            None if self.bus.events.is_up() => self.echo.stayed_out(),
            Some(false) | None => self.echo.came(),
        }
    }

    /// Whether any primary's canary stayed out.
    async fn round(&mut self, nest: &mut Nest) -> Result<bool, Error> {
        if self.client.is_clustered() {
            self.look_at_slots(nest).await?;
        }
        if nest.is_disturbed() {
            nest.channels.clear();
        }
        let owners = Owners::of(&self.client);
        let mut is_silent = false;
        for server in owners.all() {
            let channel = self.channel(nest, &owners, server).await?;
            is_silent |= !self.sing(nest, channel).await?;
        }
        // What a new connection does not hear is not to be held against it.
        if is_silent && nest.is_disturbed() {
            nest.channels.clear();
            is_silent = false;
        }
        Ok(is_silent)
    }

    /// Sends one, and waits for it.
    async fn sing(&mut self, nest: &mut Nest, channel: String) -> Result<bool, Error> {
        nest.round += 1;
        let song = Bytes::from(format!("!{}", nest.round));
        let command = CustomCommand::new_static("SPUBLISH", ClusterHash::FirstKey, false);
        let from = Instant::now();
        let args = vec![Value::from(channel), Value::Bytes(song.clone())];
        let () = self.bus.client.custom(command, args).await?;
        while let Ok(Some(heard)) = timeout_at(from + self.wait, self.echoes.recv()).await {
            if heard == song {
                self.bus.events.canary(from.elapsed());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A channel that this primary holds, subscribed to.
    async fn channel(
        &self,
        nest: &mut Nest,
        owners: &Owners,
        server: Option<Server>,
    ) -> Result<String, Error> {
        let known = nest.channels.get(&server).filter(|known| owners.of_key(known) == server);
        if let Some(channel) = known {
            return Ok(channel.clone());
        }
        let mut names = (0..CHANNELS_MAX).map(|n| self.bus.prefix.canary(&nest.name, n));
        let channel = names.find(|channel| owners.of_key(channel) == server);
        // A primary without slots holds no channel, and is not asked for one.
        let channel = channel.ok_or_else(Error::new_canceled)?;
        for answer in channels::subscribe(&self.client, slice::from_ref(&channel)).await {
            answer?;
        }
        nest.channels.insert(server, channel.clone());
        Ok(channel)
    }

    /// Lets fred know that slots have moved. It tells all who care.
    async fn look_at_slots(&self, nest: &mut Nest) -> Result<(), Error> {
        // Always the same one, because two may say the same in different words.
        let server = Owners::of(&self.client).all().into_iter().flatten().min();
        let command = CustomCommand::new_static("CLUSTER", ClusterHash::Random, false);
        let args = vec![Value::from_static_str("SLOTS")];
        let slots = at(&self.client, server.as_ref()).custom(command, args).await?;
        if nest.slots != slots {
            self.client.sync_cluster().await?;
            nest.slots = slots;
        }
        Ok(())
    }
}

impl Nest {
    /// Whether there is a new connection since this was asked last.
    fn is_disturbed(&mut self) -> bool {
        let mut is_disturbed = false;
        while !matches!(self.reconnects.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed))
        {
            is_disturbed = true;
        }
        is_disturbed
    }
}
