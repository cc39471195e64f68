//! The bus between processes, over Redis.
//!
//! May not enter: anything that must outlive Redis itself. Promise: the same as the bus in memory, and
//! the same suite of tests (`tests/contract`) holds it to that. Where the one in memory makes a publisher
//! wait for a full inbox, this one lets the node fall behind and repairs it from the store.

mod bus;
mod config;
mod ears;
mod envelope;
mod events;
mod hearing;
mod held;
mod keys;
mod leases;
mod logging_in;
mod mark;
mod publishing;
mod put_out;
mod scripts;
mod subscriptions;

use std::{sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::Error,
    interfaces::{ClientLike, EventInterface},
    types::{ClusterHash, CustomCommand, Value},
};
use notice::NodeId;
use prometheus::Registry;
use tokio::{
    sync::{Notify, mpsc},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::config::{ConnectError, RedisConfig};
pub(crate) use self::{bus::Bus, ears::Ears, leases::Leases};
use self::{
    events::Events, hearing::Hearing, keys::Prefix, scripts::Scripts, subscriptions::Subscriptions,
};
use crate::{
    inbox::Inbox, interest::Interest, link::Link, logins::Logins, metrics::Metrics,
    publisher::Publisher, store::Store,
};

/// How often Redis is asked whether it is there, and how long it may take to say so.
const PULSE: Duration = Duration::from_secs(1);

const MAJOR_MIN: u32 = 7;

/// A bus over Redis. Several nodes of one process may link to it; clones are the same bus.
#[derive(Clone, Debug)]
pub struct Redis {
    bus: Arc<Bus>,
    config: Arc<RedisConfig>,
    /// The tasks of the links; [`Redis::run`] waits for them.
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Redis {
    /// Connects, and looks whether this Redis can be a bus.
    pub async fn connect(config: RedisConfig, registry: &Registry) -> Result<Self, ConnectError> {
        let prefix = Prefix::new(&config.prefix);
        let prefix =
            prefix.ok_or_else(|| ConnectError::Prefix { prefix: config.prefix.clone() })?;
        let client = config.open().await?;
        suits(&client, &config).await?;
        let scripts = Scripts::load(&client).await;
        let scripts = scripts.map_err(|error| config.refusal(&error))?;
        let (metrics, events) = (Metrics::new(registry)?, Events::new(registry)?);
        events.answers(Ok(()));
        let bus = Bus { client, prefix, scripts, config: config.bus.clone(), metrics, events };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        Ok(Self { bus: Arc::new(bus), config: Arc::new(config), tasks, stop })
    }

    /// Puts one more node on the bus, with a connection of its own to hear by.
    pub async fn link(&self, node: NodeId) -> Result<Link, ConnectError> {
        let client = self.config.open().await?;
        let (sender, arrivals) = mpsc::channel(self.config.bus.inbox_len_max.max(1));
        let leases = Leases::new(Arc::clone(&self.bus), node.clone());
        let ears = Ears::new(node, &self.config.bus);
        let lagged = Arc::new(Notify::new());
        let hearing = Hearing {
            bus: Arc::clone(&self.bus),
            ears: Arc::clone(&ears),
            leases: Arc::clone(&leases),
            messages: client.message_rx(),
            inbox: sender.clone(),
            lagged: Arc::clone(&lagged),
        };
        let subscriptions = Subscriptions {
            bus: Arc::clone(&self.bus),
            ears: Arc::clone(&ears),
            client,
            inbox: sender.clone(),
            lagged,
        };
        self.tasks.spawn(hearing.run(self.stop.clone()));
        self.tasks.spawn(subscriptions.run(self.stop.clone()));
        self.tasks.spawn(Arc::clone(&leases).run(sender, self.stop.clone()));
        Ok(Link {
            publisher: Publisher::of_redis(Arc::clone(&self.bus)),
            interest: Interest::of_redis(ears),
            inbox: Inbox::new(arrivals),
            store: Store::of_redis(Arc::clone(&self.bus)),
            logins: Logins::of_redis(leases),
        })
    }

    /// Watches over Redis until `stop`, then takes every node off the bus and waits for that.
    pub async fn run(&self, stop: CancellationToken) {
        let mut pulses = interval(PULSE);
        pulses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = pulses.tick() => {}
            }
            let answer = timeout(PULSE, self.bus.client.ping::<()>(None)).await;
            self.bus.events.answers(match &answer {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(error.details()),
                Err(_elapsed) => Err("no answer in time"),
            });
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Should Redis be gone, there is no connection to take leave of.
        drop(self.bus.client.quit().await);
    }
}

/// Whether it is new enough, and may be written to.
async fn suits(client: &Client, config: &RedisConfig) -> Result<(), ConnectError> {
    let server = config.server()?;
    let refusal = |error: Error| config.refusal(&error);
    let about = info(client, "server").await.map_err(refusal)?;
    let version = field(&about, "redis_version");
    let major = version.split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < MAJOR_MIN) {
        return Err(ConnectError::TooOld { server, version: version.to_owned() });
    }
    let about = info(client, "replication").await.map_err(refusal)?;
    if field(&about, "slave_read_only") == "1" {
        return Err(ConnectError::ReadOnly { server });
    }
    Ok(())
}

async fn info(client: &Client, section: &'static str) -> Result<String, Error> {
    let command = CustomCommand::new_static("INFO", ClusterHash::Random, false);
    client.custom(command, vec![Value::from_static_str(section)]).await
}

fn field<'a>(info: &'a str, name: &str) -> &'a str {
    let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_default().trim()
}
