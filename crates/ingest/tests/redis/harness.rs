//! A Redis, a bus over it with one node that listens to user 5, and replicas that take messages in.

use std::{future::Future, sync::Arc, time::Duration};

use adapter::{Arrival, Config, Link, Publisher, Redis, RedisConfig};
use ingest::{Batch, Intake, Metrics, RedisSource, RedisSourceConfig, SourceError};
use notice::{Audience, Kind, NodeId, Notice, Stamp, StatusTable, UserId};
use prometheus::{Registry, TextEncoder};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

/// How long what must come about may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// What no test waits for.
pub(crate) const NEVER: Duration = Duration::from_hours(1);

pub(crate) struct Rig {
    redis: RedisConfig,
    link: Link,
    _running: JoinSet<()>,
    pub(crate) server: Server,
}

/// One running source. Dropped, it is gone without a word, as by kill -9.
pub(crate) struct Replica {
    stop: CancellationToken,
    task: JoinSet<()>,
    registry: Registry,
}

/// A message of user 5.
pub(crate) fn message(task: &str, event: &str) -> String {
    format!(r#"{{"identity":"{task}","userIdentity":5,"event":"{event}"}}"#)
}

pub(crate) fn redis_at(server: &Server) -> RedisConfig {
    let bus = Config {
        finals_keep: 1000,
        finals_age: NEVER,
        live_age: NEVER,
        ended_age: NEVER,
        inbox_len_max: 10_000,
        interest_linger: Duration::from_secs(1),
        tasks_per_user_max: 10_000,
        audiences_max: 1000,
        node_lease: Duration::from_secs(15),
        seats_held: None,
        login_lease: Duration::from_secs(15),
        room_members_max: 1_000,
        login_rooms_max: 1_000,
        revocations_max: 100_000,
        kept_rooms: notice::RoomPatterns::default(),
        uplink: None,
        publish_wait: Duration::from_secs(2),
        progress_pace: Duration::ZERO,
    };
    RedisConfig::new(server.url(), "carillon", bus)
}

pub(crate) fn config(server: &Server, consumer: &str) -> RedisSourceConfig {
    RedisSourceConfig {
        redis: redis_at(server),
        consumer: consumer.to_owned(),
        claim_idle: NEVER,
        lease: Duration::from_millis(500),
        tries_max: 5,
        batch_len_max: 1000,
        hand_len_max: 10_000,
        hand_bytes_max: 32 << 20,
        channel_len_max: 1000,
        channel_bytes_max: 1 << 20,
        retry_first: Duration::from_millis(10),
        retry_max: Duration::from_millis(200),
        consumer_idle: NEVER,
        chores_every: Duration::from_millis(50),
    }
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(DEADLINE, waiting).await.is_ok(), "waited in vain for: {what}");
}

impl Rig {
    pub(crate) async fn start() -> Self {
        let server = Server::start(&[]).await;
        Self::over(redis_at(&server), server).await
    }

    /// A Redis Cluster, which refuses whatever is not all in one slot.
    pub(crate) async fn start_as_cluster() -> Self {
        let server =
            Server::start(&["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"])
                .await;
        server.say("CLUSTER ADDSLOTSRANGE 0 16383").await;
        until("a cluster", || async {
            server.say("CLUSTER INFO").await.contains("cluster_state:ok")
        })
        .await;
        let redis = redis_at(&server);
        let url = redis.url.replace("redis://", "redis-cluster://");
        Self::over(RedisConfig { url, ..redis }, server).await
    }

    async fn over(config: RedisConfig, server: Server) -> Self {
        let redis = Redis::connect(config.clone(), &Registry::new()).await.unwrap();
        let link = redis.link(NodeId::new("n1").unwrap()).await.unwrap();
        let user = UserId::new("5").unwrap();
        link.interest.enter(&Audience::tasks_of(user)).await.unwrap();
        let mut running = JoinSet::new();
        running.spawn(async move { redis.run(CancellationToken::new()).await });
        Self { redis: config, link, _running: running, server }
    }

    pub(crate) fn config(&self, consumer: &str) -> RedisSourceConfig {
        RedisSourceConfig { redis: self.redis.clone(), ..config(&self.server, consumer) }
    }

    pub(crate) async fn replica(&self, consumer: &str) -> Replica {
        self.replica_with(self.config(consumer)).await
    }

    pub(crate) async fn replica_with(&self, config: RedisSourceConfig) -> Replica {
        self.try_replica(config).await.unwrap()
    }

    pub(crate) async fn try_replica(
        &self,
        config: RedisSourceConfig,
    ) -> Result<Replica, SourceError> {
        Replica::over(self.link.publisher.clone(), config).await
    }

    pub(crate) async fn say(&self, command: &str) -> String {
        self.server.say(command).await
    }

    /// Publishes a message as one that came over HTTP.
    pub(crate) async fn hand_in(&self, task: &str, event: &str) {
        let metrics = Metrics::new(&Registry::new()).unwrap();
        let intake = Intake::new(self.link.publisher.clone(), StatusTable::default(), metrics);
        let batch = Batch::read(&message(task, event).into(), None).unwrap();
        assert_eq!(intake.take(batch).await.accepted, 1);
    }

    /// Adds a message to the stream.
    pub(crate) async fn add(&self, task: &str, event: &str) {
        let json = message(task, event);
        self.say(&format!("XADD carillon:tasks * json '{json}'")).await;
    }

    /// A consumer that reads all there is and is never seen again.
    pub(crate) async fn read_and_vanish(&self, consumer: &str) {
        self.say("XGROUP CREATE carillon:tasks carillon 0 MKSTREAM").await;
        let read = format!("XREADGROUP GROUP carillon {consumer} STREAMS carillon:tasks >");
        self.say(&read).await;
    }

    /// A way onto another bus whose Redis is gone.
    pub(crate) async fn publisher_to_nowhere(&self) -> Publisher {
        let elsewhere = Server::start(&[]).await;
        let redis = Redis::connect(redis_at(&elsewhere), &Registry::new()).await.unwrap();
        redis.link(NodeId::new("n2").unwrap()).await.unwrap().publisher
    }

    /// Waits for what arrives next, as its task and event.
    pub(crate) async fn next(&mut self) -> String {
        let notice = self.next_notice().await;
        let task = notice.draft.kind.task().map_or("-", |task| &task.identity);
        format!("{task} {}", notice.draft.event.as_ref().unwrap())
    }

    /// The stamp that was given to what arrives next before it came to the store.
    pub(crate) async fn next_stamp(&mut self) -> Option<Stamp> {
        match &self.next_notice().await.draft.kind {
            Kind::Progress { order, .. } | Kind::Final { order, .. } => order.stamp,
            Kind::Plain | Kind::Kept | Kind::Volatile => None,
        }
    }

    async fn next_notice(&mut self) -> Arc<Notice> {
        loop {
            let next = timeout(DEADLINE, self.link.inbox.next()).await.expect("something arrives");
            if let Some(Arrival::Notice(notice)) = next {
                return notice;
            }
        }
    }

    /// Waits for so many, in any order.
    pub(crate) async fn next_sorted(&mut self, len: usize) -> Vec<String> {
        let mut arrived = Vec::with_capacity(len);
        for _ in 0..len {
            arrived.push(self.next().await);
        }
        arrived.sort_unstable();
        arrived
    }

    /// Waits until everything in the stream was dealt with and is gone from it.
    pub(crate) async fn until_trimmed(&self) {
        until("an empty stream", || async {
            self.say("XLEN carillon:tasks").await.starts_with(":0")
                && self.say("XPENDING carillon:tasks carillon").await.starts_with("*4\r\n:0")
        })
        .await;
    }

    /// Waits for as many dead letters, and shows them.
    pub(crate) async fn dead(&self, len: usize) -> String {
        let expected = format!(":{len}\r\n");
        until("dead letters", || async {
            self.say("XLEN carillon:dead").await.starts_with(&expected)
        })
        .await;
        self.say("XRANGE carillon:dead - +").await
    }

    /// Waits for one listener to the channel.
    pub(crate) async fn until_heard(&self) {
        until("one listener", || async {
            self.say("PUBSUB NUMSUB carillon:tasks").await.contains(":1\r\n")
        })
        .await;
    }

    pub(crate) fn has_more(&mut self) -> bool {
        self.link.inbox.try_next().is_some()
    }
}

impl Replica {
    pub(crate) async fn over(
        publisher: Publisher,
        config: RedisSourceConfig,
    ) -> Result<Self, SourceError> {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        let intake = Intake::new(publisher, StatusTable::default(), metrics);
        let source = RedisSource::connect(intake, config).await?;
        let (stop, mut task) = (CancellationToken::new(), JoinSet::new());
        task.spawn(source.run(stop.clone()));
        Ok(Self { stop, task, registry })
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        timeout(DEADLINE, self.task.join_next()).await.unwrap().unwrap().unwrap();
    }

    /// The value of a series as `/metrics` shows it; 0 where it does not show one.
    pub(crate) fn metric(&self, series: &str) -> i64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    pub(crate) fn messages(&self, source: &str, outcome: &str) -> i64 {
        let labels = format!(r#"{{outcome="{outcome}",source="{source}"}}"#);
        self.metric(&format!("carillon_ingest_messages_total{labels}"))
    }
}
