//! The bus that a node is on: in memory, for nodes of one process, or over Redis.

use std::time::{Duration, SystemTime};

use adapter::{
    BusError, ConnectError, Embedded, Link, Pem, PublishError, Redis, RedisConfig, RedisTls,
};
use notice::{Audience, Draft, Kind, Namespace, NodeId, Origin, Payload, Room, Scope};
use prometheus::Registry;
use thiserror::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::settings::{self, Config};

/// How long a notice may be on its way to the bus and back.
const ROUND_TRIP_WITHIN: Duration = Duration::from_secs(5);

/// What a node links to.
#[derive(Clone, Debug)]
pub(crate) enum Bus {
    Embedded(Embedded),
    /// Whoever made it runs it.
    Shared(SharedBus),
    Redis(Redis),
}

/// A bus in memory for several nodes of one process.
#[derive(Clone, Debug)]
pub struct SharedBus(Embedded);

/// A node cannot join the bus that its settings name.
#[derive(Debug, Error)]
pub enum JoinError {
    #[error("register the bus's metrics")]
    Metrics(#[from] prometheus::Error),
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// A notice did not come back from the bus.
#[derive(Debug, Error)]
pub(crate) enum RoundTripError {
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error(transparent)]
    Listen(#[from] BusError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error("hear what was published: nothing came within {ROUND_TRIP_WITHIN:?}")]
    Silent,
}

impl Bus {
    /// The bus that the settings name. Over Redis, fails unless it answers and will do.
    pub(crate) async fn open(config: &Config, registry: &Registry) -> Result<Self, JoinError> {
        Ok(match redis(config) {
            None => Self::Embedded(Embedded::new(limits(config), registry)?),
            Some(redis) => Self::Redis(Redis::connect(redis, registry).await?),
        })
    }

    pub(crate) async fn link(&self, node: NodeId) -> Result<Link, JoinError> {
        match self {
            Self::Embedded(bus) | Self::Shared(SharedBus(bus)) => Ok(bus.link(node)),
            Self::Redis(bus) => Ok(bus.link(node).await?),
        }
    }

    /// Whether other nodes may be on it too.
    pub(crate) fn reaches_others(&self) -> bool {
        !matches!(self, Self::Embedded(_))
    }

    /// Keeps it up until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        match self {
            Self::Embedded(bus) => bus.run(stop).await,
            Self::Shared(_) => stop.cancelled().await,
            Self::Redis(bus) => bus.run(stop).await,
        }
    }
}

impl SharedBus {
    /// With the limits that `config` gives its bus. Its counters are nobody's.
    pub fn new(config: &Config) -> Result<Self, JoinError> {
        Ok(Self(Embedded::new(limits(config), &Registry::new())?))
    }

    /// Keeps it up until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        self.0.run(stop).await;
    }
}

/// The Redis that the settings name, if they name one.
pub(crate) fn redis(config: &Config) -> Option<RedisConfig> {
    config.redis.as_ref().map(|redis| redis_config(redis, limits(config)))
}

fn redis_config(redis: &settings::Redis, bus: adapter::Config) -> RedisConfig {
    let identity = redis.identity.clone();
    let tls = RedisTls {
        ca: redis.ca.clone().map(Pem::File),
        identity: identity.map(|(cert, key)| (Pem::File(cert), Pem::File(key))),
    };
    RedisConfig {
        tls: Some(tls),
        min_replicas_ack: redis.min_replicas_ack,
        ..RedisConfig::new(&redis.url, &redis.prefix, bus)
    }
}

fn limits(config: &Config) -> adapter::Config {
    adapter::Config {
        kept_rooms: config.recovery.rooms.clone(),
        finals_keep: config.recovery.finals_keep,
        finals_age: config.recovery.finals_age,
        live_age: Duration::from_hours(6),
        ended_age: Duration::from_hours(24),
        inbox_len_max: 8192,
        interest_linger: Duration::from_secs(1),
        tasks_per_user_max: 10_000,
        audiences_max: 1_000_000,
        progress_pace: Duration::from_millis(100),
        publish_wait: Duration::from_secs(5),
        node_lease: config.leases.node,
        seats_held: config.recovery.native.then_some(config.recovery.window),
        login_lease: config.leases.login,
        room_members_max: 100_000,
        login_rooms_max: 1_000_000,
        revocations_max: 100_000,
        uplink: config.uplink.stream.clone(),
    }
}

/// Sends a notice to a room where nobody else is, and waits until it is back.
pub(crate) async fn round_trip(config: &Config) -> Result<(), RoundTripError> {
    let bus = Bus::open(config, &Registry::new()).await?;
    let stop = CancellationToken::new();
    let running = bus.clone().run(stop.clone());
    let trip = async {
        let result = timeout(ROUND_TRIP_WITHIN, there_and_back(&bus)).await;
        stop.cancel();
        result.unwrap_or(Err(RoundTripError::Silent))
    };
    tokio::join!(running, trip).1
}

async fn there_and_back(bus: &Bus) -> Result<(), RoundTripError> {
    let name = format!("doctor-{:016x}", rand::random::<u64>());
    let node = NodeId::new(&name).expect("a word and sixteen digits are a name");
    let room = Room::new(&name).expect("a word and sixteen digits are a name");
    let audience = Audience { namespace: Namespace::root(), scope: Scope::Room(room) };
    let mut link = bus.link(node).await?;
    link.interest.enter(&audience).await?;
    let draft = Draft {
        audience,
        event: None,
        payload: Payload::several(&[], Vec::new()),
        kind: Kind::Plain,
        origin: Origin::Backend,
        narrowing: None,
        handed_in: SystemTime::now(),
        trace: None,
    };
    link.publisher.publish(draft).await?;
    link.inbox.next().await.map(drop).ok_or(RoundTripError::Silent)
}
