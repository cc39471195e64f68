//! Where messages go: to a node, or into the stream in Redis.

use adapter::RedisConfig;
use ingest::RedisFeed;
use notice::StatusTable;

use crate::{
    cli::{
        Console,
        api::Api,
        arguments::PublishArgs,
        publish::{batch::Batch, client, stream, taken::Taken},
        remote::Remote,
        target,
    },
    exit::Failure,
    settings::{API_KEY, Sources},
};

/// What `--to` names.
#[derive(Debug)]
pub(super) enum Address {
    Node(Box<Api>),
    Stream(Box<RedisConfig>, StatusTable),
}

/// A way there.
#[derive(Debug)]
pub(super) enum Road {
    Node(Box<Api>),
    Stream(RedisFeed, StatusTable),
}

impl Address {
    pub(super) fn read(args: &PublishArgs, console: &Console<'_>) -> Result<Self, Failure> {
        if target::is_redis(&args.to) {
            let prefix = args.prefix.as_deref();
            let environment = console.environment.clone();
            let sources = Sources { environment, ..Sources::default() };
            let (redis, config) = target::redis("--to", &args.to, prefix, sources)?;
            return Ok(Self::Stream(Box::new(redis), config.ingest.status));
        }
        let remote = Remote::parse("--to", &args.to, "http://127.0.0.1:8001")?;
        let key = console.environment.get(API_KEY).cloned();
        Ok(Self::Node(Box::new(Api::new(remote, key, &args.tls)?)))
    }

    pub(super) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(..))
    }

    pub(super) async fn connect(self) -> Result<Road, Failure> {
        Ok(match self {
            Self::Node(api) => Road::Node(api),
            Self::Stream(redis, status) => {
                let feed = RedisFeed::connect(&redis).await.map_err(target::not_connected)?;
                Road::Stream(feed, status)
            }
        })
    }
}

impl Road {
    pub(super) async fn hand_in(&self, batch: &Batch) -> Result<Taken, Failure> {
        match self {
            Self::Node(api) => client::post(api, batch).await,
            Self::Stream(feed, status) => Ok(stream::add(feed, status, batch).await),
        }
    }

    pub(super) async fn close(self) {
        if let Self::Stream(feed, _) = self {
            feed.close().await;
        }
    }
}
