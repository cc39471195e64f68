//! Who listens to the channel: one replica at a time, by a lease.
//!
//! Promise: no two replicas hear the same message. A leader stops hearing by its own clock before Redis
//! gives the lease to another.

use std::{sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::Error,
    interfaces::{EventInterface, PubsubInterface},
};
use parking_lot::Mutex;
use rand::distr::{Alphanumeric, SampleString};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    events,
    redis::wire::{call, millis, run, words},
};

const TOKEN_LEN: usize = 24;
/// A lease is renewed, or looked for, so many times in its length.
const LOOKS: u32 = 5;

/// Until when this replica may hear. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Leading(Arc<Mutex<Option<Instant>>>);

/// Seeks the lease, keeps it, and listens while it has it.
pub(super) struct Leader {
    client: Client,
    channel: String,
    key: String,
    token: String,
    lease: Duration,
    leading: Leading,
    has_lease: bool,
    is_listening: bool,
}

enum Wake {
    Stop,
    Look,
    NewConnection,
}

impl Leading {
    /// Whether what is heard now is ours.
    pub(super) fn is_now(&self) -> bool {
        self.0.lock().is_some_and(|until| Instant::now() < until)
    }

    fn set(&self, until: Option<Instant>) {
        *self.0.lock() = until;
    }
}

impl Leader {
    pub(super) fn new(
        client: Client,
        (channel, key): (String, String),
        lease: Duration,
        leading: Leading,
    ) -> Self {
        let token = Alphanumeric.sample_string(&mut rand::rng(), TOKEN_LEN);
        let (has_lease, is_listening) = (false, false);
        Self { client, channel, key, token, lease, leading, has_lease, is_listening }
    }

    /// Runs until `stop`; then hears no more, and lets the next have the lease.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut connections = self.client.reconnect_rx();
        let mut looks = interval(self.lease / LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match wake(&stop, &mut connections, &mut looks).await {
                Wake::Stop => return self.leave().await,
                Wake::NewConnection => self.is_listening = false,
                Wake::Look => {}
            }
            // What fails here is tried again at the next look; the lease runs out by itself.
            drop(self.look().await);
        }
    }

    async fn look(&mut self) -> Result<(), Error> {
        let asked = Instant::now();
        let has_it = if self.has_lease { self.extend().await? } else { self.acquire().await? };
        if has_it != self.has_lease {
            self.has_lease = has_it;
            events::leads(has_it);
        }
        self.leading.set(has_it.then(|| asked + self.lease));
        if has_it && !self.is_listening {
            self.client.subscribe(self.channel.as_str()).await?;
            self.is_listening = true;
        } else if !has_it && self.is_listening {
            self.client.unsubscribe(self.channel.as_str()).await?;
            self.is_listening = false;
        }
        Ok(())
    }

    async fn acquire(&self) -> Result<bool, Error> {
        let args = words([&self.key, &self.token, "NX", "PX", &millis(self.lease)]);
        call(&self.client, "SET", 0, args).await.map(|answer| answer.is_ok())
    }

    async fn extend(&self) -> Result<bool, Error> {
        self.ask_for(millis(self.lease)).await
    }

    async fn ask_for(&self, millis: String) -> Result<bool, Error> {
        let args = [self.token.clone(), millis];
        let answer =
            run(&self.client, include_str!("extend.lua"), std::slice::from_ref(&self.key), &args)
                .await?;
        Ok(answer.as_u64() == Some(1))
    }

    async fn leave(self) {
        self.leading.set(None);
        if self.has_lease {
            // Should it fail, the lease runs out by itself.
            drop(self.client.unsubscribe(self.channel.as_str()).await);
            drop(self.ask_for("0".to_owned()).await);
        }
    }
}

async fn wake(
    stop: &CancellationToken,
    connections: &mut Receiver<fred::types::config::Server>,
    looks: &mut tokio::time::Interval,
) -> Wake {
    tokio::select! {
        biased;
        () = stop.cancelled() => Wake::Stop,
        connection = connections.recv() => match connection {
            Err(RecvError::Closed) => Wake::Stop,
            Ok(_) | Err(RecvError::Lagged(_)) => Wake::NewConnection,
        },
        _ = looks.tick() => Wake::Look,
    }
}
