//! The queues that workers write to in Redis: a stream, a list, and a channel.
//!
//! Any number of replicas read them, with no order between them needed: what each hands over is judged
//! by its stamp on the bus. May not enter: what a message means.
//!
//! Promise: an entry of the stream or the list is acknowledged only after it, or the newer progress that
//! replaces it, was published, or after it lies among the dead letters; a message of the channel is tried
//! once, by one replica.

mod channel;
mod chores;
mod config;
mod feed;
mod graves;
mod hand;
mod keys;
mod leader;
mod letters;
mod list;
mod road;
mod stream;
mod ticket;
mod wire;

use std::{sync::Arc, time::Duration};

use fred::{clients::Client, interfaces::ClientLike};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

pub(crate) use self::letters::RedisLetters;
use self::{
    channel::Channel,
    chores::Chores,
    graves::Graves,
    hand::{Hand, Limits},
    keys::Keys,
    list::{List, ListReader, ListReceipts},
    road::Road,
    stream::{Stream, StreamReader, StreamReceipts},
};
pub use self::{
    config::{RedisSourceConfig, SourceError},
    feed::{PushError, RedisFeed},
};
use crate::{backoff::Backoff, intake::Intake, metrics::Road as Label};

/// Keeps so many times within the time after which others take over.
const KEEPS: u32 = 3;

/// How long the last messages in hand may take once it is to stop. What is not acknowledged by then stays
/// in Redis, for whoever comes next.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
const QUIT_WITHIN: Duration = Duration::from_millis(500);

/// One replica's way in from Redis.
#[derive(Debug)]
pub struct RedisSource {
    intake: Intake,
    config: RedisSourceConfig,
    keys: Keys,
    /// For reads that block.
    reading: Client,
    /// To hear the channel by, and to lead it.
    hearing: Client,
    /// For everything else.
    asking: Client,
}

impl RedisSource {
    /// Connects, and looks whether the workers' keys are what they should be.
    pub async fn connect(intake: Intake, config: RedisSourceConfig) -> Result<Self, SourceError> {
        let keys = Keys::new(&config.redis.prefix);
        let asking = config.redis.open().await?;
        config::check(&asking, &keys, &config).await?;
        let (reading, hearing) = (config.redis.open().await?, config.redis.open_to_hear().await?);
        Ok(Self { intake, config, keys, reading, hearing, asking })
    }

    /// Takes messages in until `stop`; then publishes and acknowledges what it has in hand, gives up its
    /// leases, and returns. What it could not publish stays in Redis.
    ///
    /// Not cancellation-safe: dropped half-way, what it has in hand waits until another replica takes it
    /// over. Cancel `stop` and await the task instead.
    pub async fn run(self, stop: CancellationToken) {
        let mut roads = JoinSet::new();
        roads.spawn(self.stream().run(stop.clone()));
        roads.spawn(self.list().run(stop.clone()));
        roads.spawn(self.channel().run(stop.clone()));
        // The chores go on until all is acknowledged.
        let (mut chores, done) = (JoinSet::new(), CancellationToken::new());
        chores.spawn(self.chores().run(done.clone()));
        let ended = all_ended(&mut roads);
        tokio::pin!(ended);
        tokio::select! {
            () = &mut ended => {}
            () = stop.cancelled() => drop(timeout(LEAVE_WITHIN, ended).await),
        }
        done.cancel();
        drop(timeout(LEAVE_WITHIN, all_ended(&mut chores)).await);
        for client in [self.reading, self.hearing, self.asking] {
            // Should Redis be gone, there is no connection to take leave of.
            drop(timeout(QUIT_WITHIN, client.quit()).await);
        }
    }

    fn stream(&self) -> Road<StreamReader> {
        let stream = Arc::new(Stream {
            reading: self.reading.clone(),
            asking: self.asking.clone(),
            key: self.keys.tasks(),
            consumer: self.config.consumer.clone(),
            claim_idle: self.config.claim_idle,
            tries_max: self.config.tries_max,
        });
        let reader = (StreamReader::new(Arc::clone(&stream)), StreamReceipts(stream));
        let keep_every = self.config.claim_idle / KEEPS;
        Road::new(Label::Stream, reader, self.hand(Label::Stream), self.backoff(), keep_every)
    }

    fn list(&self) -> Road<ListReader> {
        let list = Arc::new(List {
            client: self.asking.clone(),
            keys: self.keys.clone(),
            consumer: self.config.consumer.clone(),
            lease: self.config.lease,
        });
        let reader = (ListReader::new(Arc::clone(&list)), ListReceipts(list));
        let keep_every = self.config.lease / KEEPS;
        Road::new(Label::List, reader, self.hand(Label::List), self.backoff(), keep_every)
    }

    fn channel(&self) -> Channel {
        Channel {
            client: self.hearing.clone(),
            name: self.keys.tasks(),
            leader: self.keys.leader(),
            lease: self.config.lease,
            hand: self.hand(Label::Channel),
            metrics: self.intake.metrics().clone(),
            queue_len_max: self.config.channel_len_max,
            queue_bytes_max: self.config.channel_bytes_max,
        }
    }

    fn chores(&self) -> Chores {
        let (client, keys) = (self.asking.clone(), self.keys.clone());
        Chores::new(client, keys, &self.config, self.intake.metrics())
    }

    fn hand<M: Clone + Eq + std::hash::Hash>(&self, label: Label) -> Hand<M> {
        let metrics = self.intake.metrics().clone();
        let graves = Graves { client: self.asking.clone(), key: self.keys.dead(), metrics };
        let RedisSourceConfig { batch_len_max, hand_len_max, hand_bytes_max, .. } = self.config;
        let limits = Limits { batch_len: batch_len_max, len: hand_len_max, bytes: hand_bytes_max };
        Hand::new(self.intake.clone(), label, graves, limits)
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.config.retry_first, self.config.retry_max)
    }
}

async fn all_ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
