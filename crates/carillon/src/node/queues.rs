//! The queues that a node takes messages in from, and what nobody could use of them.

use std::{net::SocketAddr, time::Duration};

use ingest::{DeadLetterStore, Feed, Intake, RedisSource, Source, SourceError};
use tokio::time::timeout;

use crate::{
    bus,
    node::{stage::Stage, wiring},
    settings::Config,
};

/// How long taking leave of Redis may take, should it be away.
const LEAVE_WITHIN: Duration = Duration::from_millis(500);

/// Those in Redis if there is one, and the one in memory for the demo's worker.
#[derive(Debug)]
pub(super) struct Queues {
    redis: Option<RedisSource>,
    source: Source,
    feed: Feed,
    dead: DeadLetterStore,
}

impl Queues {
    /// `internal` tells this process from others on its host.
    pub(super) async fn open(
        config: &Config,
        intake: Intake,
        internal: SocketAddr,
    ) -> Result<Self, SourceError> {
        let (source, feed) = Source::new(intake.clone(), &wiring::source());
        let Some(redis) = bus::redis(config) else {
            let dead = DeadLetterStore::in_memory(source.dead_letters(), feed.clone());
            return Ok(Self { redis: None, source, feed, dead });
        };
        let config = wiring::redis_source(config, redis.clone(), internal);
        let source_in_redis = RedisSource::connect(intake, config).await?;
        let dead = DeadLetterStore::connect(&redis).await?;
        Ok(Self { redis: Some(source_in_redis), source, feed, dead })
    }

    pub(super) fn dead(&self) -> DeadLetterStore {
        self.dead.clone()
    }

    /// The way into the one in memory.
    pub(super) fn feed(&self) -> Feed {
        self.feed.clone()
    }

    pub(super) fn read(self, intake: &mut Stage<()>) {
        let Self { redis, source, feed, dead: _ } = self;
        if let Some(redis) = redis {
            intake.spawn(|stop| redis.run(stop));
        }
        intake.spawn(async move |stop| {
            // A source without a feed has nothing to wait for, and would end.
            let _open = feed;
            source.run(stop).await;
        });
    }
}

/// Takes leave of what was asked for dead letters.
pub(super) async fn close(dead: Option<DeadLetterStore>) {
    if let Some(dead) = dead {
        drop(timeout(LEAVE_WITHIN, dead.close()).await);
    }
}
