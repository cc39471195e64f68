//! The bus between processes, over Redis.
//!
//! May not enter: anything that must outlive Redis itself. Promise: the same as the bus in memory, and
//! the same suite of tests (`tests/contract`) holds it to that. Where the one in memory makes a publisher
//! wait for a full inbox, this one lets the node fall behind and repairs it from the store.

mod address;
mod bus;
mod calls;
mod canary;
mod channels;
mod condition;
mod config;
mod copies;
mod ears;
mod envelope;
mod events;
mod finals;
mod heard;
mod hearing;
mod held;
mod holding;
mod keys;
mod leases;
mod letter;
mod logging_in;
mod mark;
mod missed;
mod post;
mod primaries;
mod publishing;
mod put_out;
mod refusal;
mod renewing;
mod repair;
mod revoking;
mod rights;
mod round;
mod scripts;
mod station;
mod subscriptions;
mod suspicion;
mod tls;
mod trip;
mod turn;
mod uplink;

use std::{sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::Error,
    interfaces::{ClientLike, EventInterface},
};
use notice::NodeId;
use prometheus::Registry;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[cfg(feature = "fuzzing")]
pub use self::envelope::fuzzed_envelope;
use self::{
    address::Layout,
    calls::Calls,
    canary::Canary,
    copies::Uncopied,
    events::{Connection, Events},
    hearing::Hearing,
    keys::Prefix,
    primaries::{Owners, Runs, at, field, info},
    round::Round,
    scripts::Scripts,
    subscriptions::{Refused, Subscriptions},
};
pub use self::{
    address::{AddressError, check_redis_url},
    condition::{Cluster, Condition, Primary, Sentinel},
    config::RedisConfig,
    refusal::ConnectError,
    tls::{Pem, RedisTls},
};
pub(crate) use self::{bus::Bus, ears::Ears, leases::Leases, station::Station, uplink::Upward};
use crate::{
    echo::Echo,
    held_seats::HeldSeats,
    inbox::Inbox,
    interest::Interest,
    limits::{NODES_MAX, REQUESTS_LEN_MAX},
    link::Link,
    logins::Logins,
    metrics::Metrics,
    nodes::Nodes,
    publisher::Publisher,
    requests::Requests,
    revocations::Revocations,
    signals::Signals,
    store::Store,
    traffic::Traffic,
    uplink::Uplink,
};

/// How often Redis is asked whether it is there, and how long it may take to say so.
const PULSE: Duration = Duration::from_secs(1);

/// How often in a row it may not say so before the connection is given up.
const PULSES_MISSED_MAX: u32 = 4;

const MAJOR_MIN: u32 = 7;

/// A node's own messages to itself that wait to be looked at: one is under way at a time.
const ECHOES_MAX: usize = 16;

/// A bus over Redis. Several nodes of one process may link to it; clones are the same bus.
#[derive(Clone, Debug)]
pub struct Redis {
    bus: Arc<Bus>,
    config: Arc<RedisConfig>,
    /// Sentinels may choose another primary at any time, and nothing tells who only asks.
    is_watched: bool,
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
        let is_watched = config.layout()? == Layout::Sentinel;
        let client = config.open().await?;
        suits(&client, &config).await?;
        let calls = Calls::new(registry)?;
        let scripts = Scripts::load(&client, &config.bus, &calls).await;
        let scripts = scripts.map_err(|error| config.refusal(&error))?;
        let min_replicas_ack = config.min_replicas_ack;
        let publishing = if min_replicas_ack > 0 { config.open().await? } else { client.clone() };
        let uncopied = Uncopied::default();
        let (metrics, events) = (Metrics::new(registry)?, Events::new(registry)?);
        let traffic = Traffic::new(registry)?;
        events.answers(Ok(()));
        let limits = config.bus.clone();
        let bus = Bus {
            client,
            publishing,
            min_replicas_ack,
            uncopied,
            prefix,
            scripts,
            config: limits,
            metrics,
            events,
            traffic,
            calls,
        };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        Ok(Self { bus: Arc::new(bus), config: Arc::new(config), is_watched, tasks, stop })
    }

    /// Whether Redis, with all of its primaries, answered when it was asked last. [`Redis::run`] asks.
    pub fn is_up(&self) -> bool {
        self.bus.events.is_up()
    }

    /// Puts one more node on the bus, with two connections of its own: one to hear notices by, one for
    /// what nodes say to each other.
    pub async fn link(&self, node: NodeId) -> Result<Link, ConnectError> {
        // Should it come to nothing, the tasks that run already end.
        let here = self.stop.child_token().drop_guard();
        let (station, requests) = self.station(node.clone(), here.token()).await?;
        let client = self.config.open_to_hear().await?;
        let (sender, arrivals) = mpsc::channel(self.config.bus.inbox_len_max.max(1));
        let leases = Leases::new(Arc::clone(&self.bus), node.clone());
        let ears = Ears::new(node, &self.config.bus);
        let (lagged, silent, echo) = <(Arc<Notify>, Arc<Notify>, Echo)>::default();
        let (sung, echoes) = mpsc::channel(ECHOES_MAX);
        let hearing = Hearing {
            bus: Arc::clone(&self.bus),
            ears: Arc::clone(&ears),
            leases: Arc::clone(&leases),
            messages: client.message_rx(),
            inbox: sender.clone(),
            lagged: Arc::clone(&lagged),
            echoes: sung,
        };
        let canary = Canary {
            bus: Arc::clone(&self.bus),
            client: client.clone(),
            echoes,
            inbox: sender.clone(),
            silent: Arc::clone(&silent),
            echo: echo.clone(),
            every: self.config.canary_every,
            wait: self.config.canary_wait,
        };
        let subscriptions = Subscriptions {
            bus: Arc::clone(&self.bus),
            ears: Arc::clone(&ears),
            owners: Owners::of(&client),
            client,
            inbox: sender.clone(),
            lagged,
            silent,
            layout: self.config.layout()?,
            runs: Runs::default(),
            round: Round::new(self.config.positions_every, Instant::now()),
            refused: Refused::default(),
        };
        self.tasks.spawn(hearing.run(self.stop.clone()));
        self.tasks.spawn(canary.run(self.stop.clone()));
        self.tasks.spawn(subscriptions.run(self.stop.clone()));
        self.tasks.spawn(Arc::clone(&leases).run(sender, self.stop.clone()));
        Ok(Link {
            uplink: self.uplink(station.node().clone()).await?,
            publisher: Publisher::of_redis(Arc::clone(&self.bus)),
            interest: Interest::of_redis(ears),
            inbox: Inbox::new(arrivals, here),
            store: Store::of_redis(Arc::clone(&self.bus)),
            logins: Logins::of_redis(leases),
            revocations: Revocations::of_redis(Arc::clone(&self.bus)),
            held_seats: HeldSeats::of_redis(Arc::clone(&self.bus)),
            signals: Signals::of_redis(Arc::clone(&station)),
            nodes: Nodes::of_redis(station),
            requests,
            echo,
        })
    }

    /// A way of what clients say to their backend, over a connection of its own.
    async fn uplink(&self, node: NodeId) -> Result<Option<Uplink>, ConnectError> {
        let Some(stream) = &self.config.bus.uplink else { return Ok(None) };
        let client = self.config.open().await?;
        let (upward, appending) = Upward::open(&self.bus, client, stream);
        self.tasks.spawn(appending.run(self.stop.clone()));
        Ok(Some(Uplink::of_redis(node, upward, self.bus.metrics.clone())))
    }

    /// Lets a node be known to the others: first it hears, then it counts.
    async fn station(
        &self,
        node: NodeId,
        gone: &CancellationToken,
    ) -> Result<(Arc<Station>, Requests), ConnectError> {
        let client = self.config.open_to_hear().await?;
        let messages = client.message_rx();
        let station = Station::new(Arc::clone(&self.bus), client, node);
        let refusal = |error: Error| self.config.refusal(&error);
        let mine = self.bus.prefix.channel_of_node(station.node());
        let letters = station.watchers.open(&mine, REQUESTS_LEN_MAX + NODES_MAX);
        let letters = letters.expect("a new node watches nothing yet");
        station.subscribe().await.map_err(refusal)?;
        station.begin().await.map_err(refusal)?;
        let (sender, requests) = Requests::open(gone.clone());
        self.tasks.spawn(Arc::clone(&station).hear(messages, gone.clone()));
        self.tasks.spawn(Arc::clone(&station).run(gone.clone()));
        self.tasks.spawn(Arc::clone(&station).sort(letters, sender));
        Ok((station, requests))
    }

    /// Watches over Redis until `stop`, then takes every node off the bus and waits for that.
    pub async fn run(&self, stop: CancellationToken) {
        let mut pulses = interval(PULSE);
        pulses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut missed = 0;
        let mut connections = self.bus.client.reconnect_rx();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = pulses.tick() => {}
            }
            while connections.try_recv().is_ok() {
                self.bus.events.connected_anew(Connection::Asks);
            }
            let answer = self.ping().await;
            self.bus.events.answers(answer.as_ref().copied().map_err(String::as_str));
            missed = if answer.is_ok() { 0 } else { missed + 1 };
            if missed > PULSES_MISSED_MAX {
                missed = 0;
                self.bus.connect_anew().await;
            }
            if self.is_watched {
                self.bus.leave_deposed().await;
            }
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Should Redis be gone, there is no connection to take leave of.
        drop(self.bus.client.quit().await);
        if self.bus.min_replicas_ack > 0 {
            drop(self.bus.publishing.quit().await);
        }
    }

    /// Every primary answers, or what the first one says that does not.
    async fn ping(&self) -> Result<(), String> {
        for server in Owners::of(&self.bus.client).all() {
            let primary = at(&self.bus.client, server.as_ref());
            match timeout(PULSE, primary.ping::<()>(None)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(error.details().to_owned()),
                Err(_elapsed) => return Err("no answer in time".to_owned()),
            }
        }
        Ok(())
    }
}

/// Whether every primary is new enough, and may be written to.
async fn suits(client: &Client, config: &RedisConfig) -> Result<(), ConnectError> {
    for server in Owners::of(client).all() {
        let primary = at(client, server.as_ref());
        let server = server.map_or_else(|| config.server(), |server| server.to_string());
        let about = info(&primary, "server").await.map_err(|error| config.refusal(&error))?;
        let version = field(&about, "redis_version");
        let major = version.split('.').next().and_then(|major| major.parse().ok());
        if major.is_none_or(|major: u32| major < MAJOR_MIN) {
            return Err(ConnectError::TooOld { server, version: version.to_owned() });
        }
        let about = info(&primary, "replication").await.map_err(|error| config.refusal(&error))?;
        if field(&about, "slave_read_only") == "1" {
            return Err(ConnectError::ReadOnly { server });
        }
    }
    Ok(())
}
