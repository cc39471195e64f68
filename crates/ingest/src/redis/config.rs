//! How a replica reads the queues in Redis, and why it cannot.

use std::time::Duration;

use adapter::{ConnectError, RedisConfig};
use fred::clients::Client;
use thiserror::Error;

use crate::redis::{
    keys::Keys,
    wire::{call, words},
};

/// The longest name of a consumer, in bytes.
const CONSUMER_BYTES_MAX: usize = 256;

/// Which Redis, under which name, and how much at once.
#[derive(Clone, Debug)]
pub struct RedisSourceConfig {
    pub redis: RedisConfig,
    /// This replica's name, the same after a restart and no other's: it finds again what it had in hand.
    pub consumer: String,
    /// How long an entry of the stream may stand still in one replica's hands before another takes it.
    pub claim_idle: Duration,
    /// How long a replica counts as living after its last sign, to lead the channel and to keep what it
    /// took from the list.
    pub lease: Duration,
    /// How often an entry is given to somebody before it is a dead letter.
    pub tries_max: u32,
    /// Messages that are read, conflated and published at once. At least 1.
    pub batch_len_max: usize,
    /// Messages of one queue read and not acknowledged; past either, no more are read. Of the bytes, one
    /// batch may be too many.
    pub hand_len_max: usize,
    pub hand_bytes_max: usize,
    /// Messages of the channel that wait; past either, one more is dropped and counted.
    pub channel_len_max: usize,
    pub channel_bytes_max: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub retry_first: Duration,
    pub retry_max: Duration,
    /// After how long one that holds nothing and was not seen is no longer a consumer of the stream.
    pub consumer_idle: Duration,
    /// How often acknowledged entries are trimmed and the gauges are set.
    pub chores_every: Duration,
}

/// The queues in Redis cannot be read.
#[derive(Debug, Error)]
pub enum SourceError {
    #[error("open the queues of tasks")]
    Connect(#[from] ConnectError),

    #[error(
        "open {key}: it is a {got}, expected a {expected} (hint: move it, or choose another redis.prefix)"
    )]
    WrongType { key: String, got: String, expected: &'static str },

    #[error(
        "open the queues of tasks: {reason} (hint: {hint})",
        hint = "may the user run @stream, @list, @pubsub and @scripting on the prefix?"
    )]
    Refused { reason: String },

    #[error("read consumer name {name:?}: expected 1 to 256 bytes")]
    Consumer { name: String },
}

/// Whether the name is one, and the workers' keys are what they should be, or not there yet.
pub(super) async fn check(
    client: &Client,
    keys: &Keys,
    config: &RedisSourceConfig,
) -> Result<(), SourceError> {
    if config.consumer.is_empty() || config.consumer.len() > CONSUMER_BYTES_MAX {
        return Err(SourceError::Consumer { name: config.consumer.clone() });
    }
    let expected = [(keys.tasks(), "stream"), (keys.list(), "list"), (keys.dead(), "stream")];
    for (key, expected) in expected {
        let answer = call(client, "TYPE", 0, words([&key])).await;
        let answer =
            answer.map_err(|error| SourceError::Refused { reason: error.details().to_owned() })?;
        let got = answer.into_string().unwrap_or_default();
        if got != "none" && got != expected {
            return Err(SourceError::WrongType { key, got, expected });
        }
    }
    Ok(())
}
