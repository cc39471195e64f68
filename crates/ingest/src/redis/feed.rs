//! The near end of the stream: where messages are handed in from outside the cluster.

use adapter::{ConnectError, RedisConfig};
use bytes::Bytes;
use fred::{clients::Client, error::Error, interfaces::ClientLike, types::Value};
use thiserror::Error as ThisError;

use crate::redis::{
    keys::Keys,
    wire::{call, lasting, words},
};

/// Messages added in one trip.
const PIPELINE_LEN: usize = 256;

/// Adds messages to the stream of tasks. Clones share the connection.
#[derive(Clone, Debug)]
pub struct RedisFeed {
    client: Client,
    key: String,
}

/// The stream took the messages before `index`; that one it did not, and of those behind it nothing is
/// known. To hand in again from `index` on is safe.
#[derive(Clone, Debug, ThisError)]
#[error("add message {index} to the stream: {reason}")]
pub struct PushError {
    pub index: usize,
    pub reason: String,
}

impl RedisFeed {
    pub async fn connect(config: &RedisConfig) -> Result<Self, ConnectError> {
        let (client, key) = (config.open().await?, Keys::new(&config.prefix).tasks());
        Ok(Self { client, key })
    }

    /// Adds messages in their order, without looking into them.
    pub async fn push_all(&self, messages: &[Bytes]) -> Result<(), PushError> {
        for (at, batch) in messages.chunks(PIPELINE_LEN).enumerate() {
            let answers = self.push(batch).await;
            let failed = answers
                .iter()
                .enumerate()
                .find_map(|(i, answer)| Some((i, answer.as_ref().err()?)));
            if let Some((index, error)) = failed {
                let reason = lasting(error).unwrap_or_else(|| error.details().to_owned());
                return Err(PushError { index: at * PIPELINE_LEN + index, reason });
            }
        }
        Ok(())
    }

    /// Ends the connection.
    pub async fn close(self) {
        // Should Redis be gone, there is no connection to take leave of.
        drop(self.client.quit().await);
    }

    async fn push(&self, messages: &[Bytes]) -> Vec<Result<Value, Error>> {
        let pipeline = self.client.pipeline();
        for message in messages {
            let mut args = words([&self.key, "*", "json"]);
            args.push(Value::Bytes(message.clone()));
            if let Err(error) = call(&pipeline, "XADD", 0, args).await {
                return vec![Err(error)];
            }
        }
        pipeline.try_all().await
    }
}
