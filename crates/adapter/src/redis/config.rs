//! Where the Redis is and how this bus speaks to it.

use std::{fmt, time::Duration};

use fred::{
    clients::Client,
    error::Error,
    interfaces::ClientLike,
    types::RespVersion,
    types::config::{
        Config as FredConfig, ConnectionConfig, PerformanceConfig, ReconnectError, ReconnectPolicy,
        TcpConfig, UnresponsiveConfig,
    },
};

use crate::{
    config::Config,
    redis::{
        address::{self, Layout},
        refusal::ConnectError,
        tls::RedisTls,
    },
};

/// Commands that wait for one connection. Past it, a command fails at once as a transient error.
const COMMANDS_MAX: usize = 10_000;
/// Messages that wait on a node to be read from the connection's queue. Past it the oldest are dropped,
/// counted, and repaired from the store.
const MESSAGES_MAX: usize = 16_384;
/// The same where no messages come: what the client says of itself. fred makes room for it nine times over.
const EVENTS_MAX: usize = 32;
/// How long connecting may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a connection may owe an answer before it is given up.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

const RECONNECT_MIN_MS: u32 = 50;
const RECONNECT_MAX_MS: u32 = 2_000;

/// A Redis to be the bus, and the bus's limits.
#[derive(Clone)]
pub struct RedisConfig {
    /// `redis://[user:password@]host[:port][/database]` for one server, `redis-cluster://…` for a
    /// cluster (more of its nodes as `?node=host:port&node=…`), `redis-sentinel://…` for what sentinels
    /// watch (`?sentinelServiceName=name`); each with a second `s` in `redis` for TLS.
    pub url: String,
    /// In front of every key and channel. Neither empty nor with a brace in it.
    pub prefix: String,
    pub bus: Config,
    /// What a `rediss…://` connection goes by. None: this machine's roots.
    pub tls: Option<RedisTls>,
    /// A notice counts as accepted when so many replicas have it. 0: the primary's word will do.
    pub min_replicas_ack: usize,
    /// How often a node sends itself a message through each primary, and how long it may be under way
    /// before its subscriptions are made anew.
    pub canary_every: Duration,
    pub canary_wait: Duration,
    /// How often what was heard of every audience is compared with the store.
    pub positions_every: Duration,
}

impl RedisConfig {
    /// The usual: this machine's roots, no replicas waited for.
    pub fn new(url: impl Into<String>, prefix: impl Into<String>, bus: Config) -> Self {
        Self {
            url: url.into(),
            prefix: prefix.into(),
            bus,
            tls: None,
            min_replicas_ack: 0,
            canary_every: Duration::from_secs(5),
            canary_wait: Duration::from_secs(5),
            positions_every: Duration::from_secs(30),
        }
    }

    /// A connected client, which connects again by itself and does not hand in again by itself. Its
    /// connection's own task ends with `quit`.
    ///
    /// It is fred's, in the open, so that `ingest`, the only other room that knows Redis, connects by the
    /// same rules.
    pub async fn open(&self) -> Result<Client, ConnectError> {
        self.connected(EVENTS_MAX).await
    }

    /// The same, for one by which messages are heard: there is room for a burst of them, which takes 13 MiB.
    pub async fn open_to_hear(&self) -> Result<Client, ConnectError> {
        self.connected(MESSAGES_MAX).await
    }

    async fn connected(&self, messages_max: usize) -> Result<Client, ConnectError> {
        let client = self.client(messages_max)?;
        // The handle is not for us: `quit` ends the task.
        drop(client.init().await.map_err(|error| self.refusal(&error))?);
        Ok(client)
    }

    pub(super) fn layout(&self) -> Result<Layout, ConnectError> {
        Ok(address::layout(&self.url)?)
    }

    pub(super) fn fred(&self) -> Result<FredConfig, ConnectError> {
        let config = address::read(&self.url)?;
        let tls = self.url.starts_with("rediss");
        let tls = tls.then(|| self.tls.clone().unwrap_or_default().fred()).transpose()?;
        Ok(FredConfig { version: RespVersion::RESP3, fail_fast: true, tls, ..config })
    }

    /// Host and port, which may be logged.
    pub(super) fn server(&self) -> String {
        let hosts = self.fred().map(|config| config.server.hosts()).unwrap_or_default();
        hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    /// One that is not connected yet. It does not hand in again by itself: whoever asks decides.
    fn client(&self, messages_max: usize) -> Result<Client, ConnectError> {
        let performance = PerformanceConfig {
            default_command_timeout: self.bus.publish_wait,
            broadcast_channel_capacity: messages_max,
            ..PerformanceConfig::default()
        };
        let connection = ConnectionConfig {
            connection_timeout: CONNECT_WAIT,
            internal_command_timeout: CONNECT_WAIT,
            max_command_attempts: 1,
            // To follow an ASK takes a further attempt, and fred's client ends for good where there is none.
            max_redirections: 0,
            max_command_buffer_len: COMMANDS_MAX,
            reconnect_on_auth_error: true,
            // What a server says that is no longer, or not yet, the primary: look for the one that is.
            reconnect_errors: vec![
                ReconnectError::ClusterDown,
                ReconnectError::Loading,
                ReconnectError::MasterDown,
                ReconnectError::ReadOnly,
            ],
            unresponsive: UnresponsiveConfig {
                max_timeout: Some(ANSWER_WAIT),
                interval: Duration::from_secs(1),
            },
            tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
            ..ConnectionConfig::default()
        };
        let policy = ReconnectPolicy::new_exponential(0, RECONNECT_MIN_MS, RECONNECT_MAX_MS, 2);
        Ok(Client::new(self.fred()?, Some(performance), Some(connection), Some(policy)))
    }

    pub(super) fn refusal(&self, error: &Error) -> ConnectError {
        ConnectError::of(self.server(), &self.url, error)
    }
}

impl fmt::Debug for RedisConfig {
    // The url may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RedisConfig");
        debug.field("prefix", &self.prefix).field("bus", &self.bus).field("tls", &self.tls);
        debug.field("min_replicas_ack", &self.min_replicas_ack).finish_non_exhaustive()
    }
}
