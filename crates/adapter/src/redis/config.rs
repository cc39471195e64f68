//! Where the Redis is and how this bus speaks to it, and why that could not be.

use std::{fmt, time::Duration};

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::ClientLike,
    types::RespVersion,
    types::config::{
        Config as FredConfig, ConnectionConfig, PerformanceConfig, ReconnectPolicy, TcpConfig,
        UnresponsiveConfig,
    },
};
use thiserror::Error as ThisError;

use crate::config::Config;

/// Commands that wait for one connection. Past it, a command fails at once as a transient error.
const COMMANDS_MAX: usize = 10_000;
/// Messages that wait on a node to be read from the connection's queue. Past it the oldest are dropped,
/// counted, and repaired from the store.
const MESSAGES_MAX: usize = 16_384;
/// How long connecting may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a connection may owe an answer before it is given up.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

const RECONNECT_MIN_MS: u32 = 50;
const RECONNECT_MAX_MS: u32 = 2_000;

/// A Redis to be the bus, and the bus's limits.
#[derive(Clone)]
pub struct RedisConfig {
    /// `redis://[user:password@]host[:port][/database]`.
    pub url: String,
    /// In front of every key and channel. Neither empty nor with a brace in it.
    pub prefix: String,
    pub bus: Config,
}

/// The bus cannot be there.
#[derive(Debug, ThisError)]
pub enum ConnectError {
    #[error("read redis url: {reason} (hint: write redis://[user:password@]host[:port])")]
    Url { reason: String },

    #[error("read redis prefix {prefix:?}: it is empty or holds a brace (hint: use a plain word)")]
    Prefix { prefix: String },

    #[error(
        "log in to redis at {server}: {reason} (hint: check user and password in the url, and that \
         the user may run @scripting and @pubsub on the prefix)"
    )]
    Refused { server: String, reason: String },

    #[error(
        "connect to redis at {server}: {reason} (hint: is it running, and reachable from here?)"
    )]
    Unreachable { server: String, reason: String },

    #[error("connect to redis at {server}: it is version {version} (hint: 7.0 or newer is needed)")]
    TooOld { server: String, version: String },

    #[error("connect to redis at {server}: it is a read-only replica (hint: name the primary)")]
    ReadOnly { server: String },

    #[error("register the bus's metrics")]
    Metrics(#[from] prometheus::Error),
}

impl RedisConfig {
    /// A connected client, which connects again by itself and does not hand in again by itself. Its
    /// connection's own task ends with `quit`.
    ///
    /// It is fred's, in the open, so that `ingest`, the only other room that knows Redis, connects by the
    /// same rules.
    pub async fn open(&self) -> Result<Client, ConnectError> {
        let client = self.client()?;
        // The handle is not for us: `quit` ends the task.
        drop(client.init().await.map_err(|error| self.refusal(&error))?);
        Ok(client)
    }

    fn fred(&self) -> Result<FredConfig, ConnectError> {
        if !self.url.starts_with("redis://") {
            let scheme = self.url.split("://").next().unwrap_or_default().to_owned();
            return Err(ConnectError::Url { reason: format!("{scheme:?} is not known") });
        }
        let config = FredConfig::from_url_centralized(&self.url);
        let config = config.map_err(|error| ConnectError::Url { reason: error.to_string() })?;
        Ok(FredConfig { version: RespVersion::RESP3, fail_fast: true, ..config })
    }

    /// Host and port, which may be logged.
    pub(super) fn server(&self) -> Result<String, ConnectError> {
        let hosts = self.fred()?.server.hosts();
        Ok(hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }

    /// A client that is not connected yet. It does not hand in again by itself: whoever asks decides.
    fn client(&self) -> Result<Client, ConnectError> {
        let performance = PerformanceConfig {
            default_command_timeout: self.bus.publish_wait,
            broadcast_channel_capacity: MESSAGES_MAX,
            ..PerformanceConfig::default()
        };
        let connection = ConnectionConfig {
            connection_timeout: CONNECT_WAIT,
            internal_command_timeout: CONNECT_WAIT,
            max_command_attempts: 1,
            max_command_buffer_len: COMMANDS_MAX,
            reconnect_on_auth_error: true,
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

    /// What a failure to connect comes down to.
    pub(super) fn refusal(&self, error: &Error) -> ConnectError {
        let server = self.server().unwrap_or_default();
        let reason = error.details().to_owned();
        let denied = ["NOAUTH", "WRONGPASS", "NOPERM"].iter().any(|code| reason.starts_with(code));
        if denied || *error.kind() == ErrorKind::Auth {
            return ConnectError::Refused { server, reason };
        }
        ConnectError::Unreachable { server, reason }
    }
}

impl fmt::Debug for RedisConfig {
    // The url may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RedisConfig");
        debug.field("prefix", &self.prefix).field("bus", &self.bus).finish_non_exhaustive()
    }
}
