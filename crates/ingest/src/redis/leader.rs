//! Who listens to the channel: one replica at a time, by a lease.
//!
//! Promise: no two replicas hear the same message. A leader stops hearing by its own clock before Redis
//! gives the lease to another. In a cluster it listens at the primary that has the lease, and nowhere else: what is
//! published at any node comes to all.

use std::{sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::Error,
    interfaces::{ClusterInterface, EventInterface, PubsubInterface},
    types::{cluster::ClusterRouting, config::Server},
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
    redis::wire::{at, call, millis, run, words},
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
    /// Where it has subscribed.
    listens_at: Option<Place>,
    /// A connection was made anew since, which may be that one.
    is_doubtful: bool,
}

/// A cluster's primary. `None` is the only server there is.
type Place = Option<Server>;

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
        let (has_lease, listens_at, is_doubtful) = (false, None, false);
        Self { client, channel, key, token, lease, leading, has_lease, listens_at, is_doubtful }
    }

    /// Runs until `stop`; then hears no more, and lets the next have the lease.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut connections = self.client.reconnect_rx();
        let mut looks = interval(self.lease / LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match wake(&stop, &mut connections, &mut looks).await {
                Wake::Stop => return self.leave().await,
                Wake::NewConnection => self.is_doubtful = true,
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
        if has_it { self.listen().await } else { self.listen_no_more().await }
    }

    /// Listens where the lease is now. By itself fred would listen at the slot of the client's name, and stay there
    /// when that goes elsewhere.
    async fn listen(&mut self) -> Result<(), Error> {
        let place = self.place_of_lease();
        if self.listens_at.as_ref().is_some_and(|old| *old != place) {
            self.listen_no_more().await?;
        }
        if self.listens_at.is_none() || self.is_doubtful {
            at(&self.client, place.clone()).subscribe(self.channel.as_str()).await?;
            (self.listens_at, self.is_doubtful) = (Some(place), false);
        }
        Ok(())
    }

    async fn listen_no_more(&mut self) -> Result<(), Error> {
        let Some(place) = &self.listens_at else { return Ok(()) };
        // With a server that has left the cluster, fred has closed the connection.
        if self.is_there(place) {
            at(&self.client, place.clone()).unsubscribe(self.channel.as_str()).await?;
        }
        self.listens_at = None;
        Ok(())
    }

    fn place_of_lease(&self) -> Place {
        let slot = ClusterRouting::hash_key(self.key.as_bytes());
        self.client.cached_cluster_state()?.get_server(slot).cloned()
    }

    fn is_there(&self, place: &Place) -> bool {
        let Some(server) = place else { return true };
        let routing = self.client.cached_cluster_state();
        routing.is_some_and(|routing| routing.unique_primary_nodes().contains(server))
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

    async fn leave(mut self) {
        self.leading.set(None);
        if self.has_lease {
            // Should it fail, the lease runs out by itself.
            drop(self.listen_no_more().await);
            drop(self.ask_for("0".to_owned()).await);
        }
    }
}

async fn wake(
    stop: &CancellationToken,
    connections: &mut Receiver<Server>,
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
