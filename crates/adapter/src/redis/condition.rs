//! What state a Redis is in, for those who want to know whether it will do: facts, without a judgement.

use std::time::{Duration, SystemTime};

use fred::{
    clients::{Client, WithOptions},
    error::Error,
    interfaces::ClientLike,
    types::{
        ClusterHash, CustomCommand, RespVersion, Value,
        config::{Config as FredConfig, Server, ServerConfig},
    },
};
use rand::distr::{Alphanumeric, SampleString};
use tokio::time::{Instant, timeout};

use super::{
    config::RedisConfig,
    keys::Prefix,
    primaries::{Owners, at, field, info},
    refusal::ConnectError,
    rights,
};

/// How often each server is asked for its time; the quickest answer says most.
const PINGS: usize = 5;
/// How long one sentinel may take.
const SENTINEL_WITHIN: Duration = Duration::from_secs(2);

/// A Redis and all that belongs to it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The primaries: one, unless it is a cluster.
    pub primaries: Vec<Primary>,
    pub cluster: Option<Cluster>,
    pub sentinels: Vec<Sentinel>,
    /// Commands that our user may not run, as an ACL would name them.
    pub denied: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Primary {
    pub name: String,
    pub version: String,
    /// How long an answer takes at best.
    pub latency: Duration,
    /// How far its clock is from ours, and whether it is ahead.
    pub clock: (Duration, bool),
    /// `maxmemory-policy`.
    pub policy: String,
    pub used_bytes: u64,
    /// None: as much as there is.
    pub bytes_max: Option<u64>,
    pub is_appending: bool,
    pub replicas: usize,
    pub clients: u64,
    pub clients_max: u64,
}

/// What a cluster says of itself.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub is_ok: bool,
    pub slots_ok: u64,
}

/// What one of those who watch the primary says of it: that enough of them agree, or why not.
#[derive(Clone, Debug)]
pub struct Sentinel {
    pub name: String,
    pub said: Result<String, String>,
}

impl RedisConfig {
    /// Looks at the Redis. `with_queues`: our user needs what the queues of workers need, too.
    pub async fn condition(&self, with_queues: bool) -> Result<Condition, ConnectError> {
        let client = self.open().await?;
        let condition = self.of(&client, with_queues).await;
        drop(client.quit().await);
        let mut condition = condition.map_err(|error| self.refusal(&error))?;
        condition.sentinels = self.sentinels().await?;
        Ok(condition)
    }

    async fn of(&self, client: &Client, with_queues: bool) -> Result<Condition, Error> {
        let mut primaries = Vec::new();
        for server in Owners::of(client).all() {
            let name = server.as_ref().map_or_else(|| self.server(), Server::to_string);
            primaries.push(primary(name, &at(client, server.as_ref())).await?);
        }
        let cluster = if client.is_clustered() { Some(cluster(client).await?) } else { None };
        let name = Alphanumeric.sample_string(&mut rand::rng(), 12);
        let key = Prefix::new(&self.prefix).map(|prefix| prefix.signal(&format!("doctor-{name}")));
        let denied = match key {
            Some(key) => rights::denied(client, &key, with_queues).await?,
            None => Vec::new(),
        };
        Ok(Condition { primaries, cluster, sentinels: Vec::new(), denied })
    }

    async fn sentinels(&self) -> Result<Vec<Sentinel>, ConnectError> {
        let config = self.fred()?;
        let ServerConfig::Sentinel { hosts, service_name, username, password } =
            config.server.clone()
        else {
            return Ok(Vec::new());
        };
        let mut sentinels = Vec::new();
        for host in hosts {
            let name = host.to_string();
            let alone = FredConfig {
                server: ServerConfig::Centralized { server: host },
                username: username.clone(),
                password: password.clone(),
                database: None,
                version: RespVersion::RESP2,
                ..config.clone()
            };
            let asking = timeout(SENTINEL_WITHIN, quorum(alone, &service_name));
            let said = asking.await.unwrap_or_else(|_elapsed| Err("no answer in time".to_owned()));
            sentinels.push(Sentinel { name, said });
        }
        Ok(sentinels)
    }
}

async fn primary(name: String, client: &WithOptions<Client>) -> Result<Primary, Error> {
    let (latency, clock) = clock(client).await?;
    let about = info(client, "default").await?;
    let number = |name| field(&about, name).parse().unwrap_or_default();
    Ok(Primary {
        name,
        version: field(&about, "redis_version").to_owned(),
        latency,
        clock,
        policy: field(&about, "maxmemory_policy").to_owned(),
        used_bytes: number("used_memory"),
        bytes_max: Some(number("maxmemory")).filter(|bytes| *bytes > 0),
        is_appending: field(&about, "aof_enabled") == "1",
        replicas: usize::try_from(number("connected_slaves")).unwrap_or(usize::MAX),
        clients: number("connected_clients"),
        clients_max: number("maxclients"),
    })
}

/// How long an answer takes at best, and how far the server's clock is from ours then.
async fn clock(client: &WithOptions<Client>) -> Result<(Duration, (Duration, bool)), Error> {
    let mut best: Option<(Duration, (Duration, bool))> = None;
    for _ in 0..PINGS {
        let (asked, since) = (SystemTime::now(), Instant::now());
        let command = CustomCommand::new_static("TIME", ClusterHash::Random, false);
        let told: Value = client.custom(command, Vec::<Value>::new()).await?;
        let took = since.elapsed();
        if best.is_some_and(|(least, _)| least <= took) {
            continue;
        }
        let parts: Vec<u64> = told.into_array().iter().filter_map(Value::as_u64).collect();
        let [seconds, micros] = parts[..] else { continue };
        let theirs = Duration::from_secs(seconds) + Duration::from_micros(micros);
        // It looked at its clock about half-way.
        let ours = (asked + took / 2).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        best = Some((took, (theirs.abs_diff(ours), theirs > ours)));
    }
    best.ok_or_else(Error::new_canceled)
}

async fn cluster(client: &Client) -> Result<Cluster, Error> {
    let command = CustomCommand::new_static("CLUSTER", ClusterHash::Random, false);
    let about: String = client.custom(command, vec![Value::from_static_str("INFO")]).await?;
    Ok(Cluster {
        is_ok: field(&about, "cluster_state") == "ok",
        slots_ok: field(&about, "cluster_slots_ok").parse().unwrap_or_default(),
    })
}

/// Whether this sentinel could have another primary chosen.
async fn quorum(config: FredConfig, service: &str) -> Result<String, String> {
    let said = |error: Error| error.details().to_owned();
    let client = Client::new(config, None, None, None);
    drop(client.init().await.map_err(said)?);
    let command = CustomCommand::new_static("SENTINEL", ClusterHash::Random, false);
    let args = vec![Value::from_static_str("CKQUORUM"), service.into()];
    let answer: Result<String, Error> = client.custom(command, args).await;
    drop(client.quit().await);
    answer.map_err(said)
}
