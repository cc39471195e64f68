//! The bus over Redis, held to the contract, and what only it promises.

mod cluster;
mod condition;
mod door;
mod faults;
mod kept;
mod leases;
mod replicas;
mod scripts;
mod sentinel;
mod strangers;
mod talk;
mod tls;
mod upward;

use std::time::Duration;

use adapter::{Arrival, BusError, Config, ConnectError, Redis, RedisConfig};
use notice::NodeId;
use prometheus::{Registry, TextEncoder};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    contract,
    drafts::{audience, end, now, plain, room, text_of},
    kept_rooms::kept_rooms,
    server::Server,
    subject::{Node, Subject},
    uplink::Fields,
};

contract! { tokio::test(flavor = "multi_thread", worker_threads = 2), super::OverRedis }

/// How long what must come about may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// A bus over a Redis of its own, on real time.
struct OverRedis {
    running: Running,
    server: Server,
}

/// A bus that runs until it is dropped.
struct Running {
    redis: Redis,
    prefix: String,
    registry: Registry,
    stop: DropGuard,
    tasks: JoinSet<()>,
}

impl Running {
    async fn start(config: RedisConfig) -> Self {
        let (registry, prefix) = (Registry::new(), config.prefix.clone());
        let redis = Redis::connect(config, &registry).await.expect("it is a good Redis");
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (bus, stopped) = (redis.clone(), stop.clone());
        tasks.spawn(async move { bus.run(stopped).await });
        Self { redis, prefix, registry, stop: stop.drop_guard(), tasks }
    }

    async fn link(&self) -> Node {
        self.link_as("node").await
    }

    async fn link_as(&self, name: &str) -> Node {
        let node = NodeId::new(name).expect("a node");
        self.redis.link(node).await.expect("Redis takes one more connection").into()
    }

    fn metrics(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).expect("it is text")
    }

    /// Waits until this is among the metrics.
    async fn comes_to_count(&self, part: &str) {
        let counting = async {
            while !self.metrics().contains(part) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, counting).await.unwrap_or_else(|_| panic!("{part}: {}", self.metrics()));
    }
}

impl Subject for OverRedis {
    fn config() -> Config {
        Config {
            finals_keep: 1_000,
            finals_age: Duration::from_secs(4),
            live_age: Duration::from_secs(2),
            ended_age: Duration::from_secs(4),
            inbox_len_max: 1_000,
            interest_linger: Duration::from_millis(200),
            tasks_per_user_max: 1_000,
            audiences_max: 10_000,
            progress_pace: Duration::ZERO,
            publish_wait: Duration::from_secs(5),
            login_lease: Duration::from_millis(1_500),
            room_members_max: 100_000,
            login_rooms_max: 1_000_000,
            revocations_max: 10,
            kept_rooms: kept_rooms(),
            uplink: Some("uplink".to_owned()),
            node_lease: Duration::from_millis(900),
            seats_held: None,
        }
    }

    async fn start(config: Config) -> Self {
        let server = Server::start(&[]).await;
        server.settle("carillon").await;
        let running = Running::start(RedisConfig::new(server.url(), "carillon", config)).await;
        Self { running, server }
    }

    async fn link_as(&self, name: &str) -> Node {
        self.running.link_as(name).await
    }

    async fn uplinked(&self) -> Vec<Fields> {
        upward::uplinked(RedisConfig::new(self.server.url(), "carillon", Self::config())).await
    }

    async fn pass(&self, time: Duration) {
        sleep(time).await;
    }
}

impl OverRedis {
    /// A bus whose ages are not reached by any test.
    async fn lasting() -> (Self, Node) {
        let day = Duration::from_hours(24);
        let ages = Config { finals_age: day, live_age: day, ended_age: day, ..Self::config() };
        let config = Config { publish_wait: Duration::from_millis(500), ..ages };
        Self::one_with(config).await
    }

    fn metrics(&self) -> String {
        self.running.metrics()
    }
}

async fn connect(url: String, config: Config, registry: &Registry) -> Result<Redis, ConnectError> {
    Redis::connect(RedisConfig::new(url, "carillon", config), registry).await
}

/// Publishes until it is accepted.
async fn accepted_at_last(node: &Node, text: &str) {
    let trying = async {
        while let Err(error) = node.try_publish(end(text, now(), text)).await {
            assert!(error.is_transient(), "{error}");
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, trying).await.expect("Redis is back");
}

/// The texts of what comes until `last`.
async fn heard_until(node: &mut Node, last: &str) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.last().is_none_or(|text| text != last) {
        let notice = node.hear().await;
        texts.push(text_of(&notice));
    }
    texts
}

#[tokio::test]
async fn finals_published_while_a_subscriber_was_cut_off_are_heard_in_order() {
    let (bus, mut node) = OverRedis::lasting().await;
    let worker = bus.link().await;
    node.enter(&audience()).await;
    worker.accepted(end("0", now(), "0")).await;
    for cut in 1..=5 {
        bus.server.say("CLIENT KILL TYPE pubsub").await;
        let task = cut.to_string();
        accepted_at_last(&worker, &task).await;
    }
    assert_eq!(heard_until(&mut node, "5").await, ["0", "1", "2", "3", "4", "5"]);
    let heard_again = async {
        while worker.accepted_by(plain(audience(), "are you there")).await.1 == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, heard_again).await.expect("it subscribes again");
}

#[tokio::test]
async fn what_a_node_missed_before_it_had_heard_anything_is_repaired_too() {
    let (bus, mut node) = OverRedis::lasting().await;
    let worker = bus.link().await;
    node.enter(&audience()).await;
    bus.server.say("CLIENT KILL TYPE pubsub").await;
    accepted_at_last(&worker, "first").await;
    assert_eq!(heard_until(&mut node, "first").await, ["first"]);
}

#[tokio::test]
async fn a_node_hears_again_after_redis_was_started_anew() {
    let (mut bus, mut node) = OverRedis::lasting().await;
    let worker = bus.link().await;
    node.enter(&audience()).await;
    node.enter(&room("a")).await;
    let seen = worker.accepted(end("before", now(), "before")).await;
    assert_eq!(node.hear_texts(1).await, ["before"]);
    bus.server.stop();
    let error = worker.try_publish(end("lost", now(), "lost")).await.expect_err("it is away");
    assert!(error.is_transient(), "{error}");
    let down = async {
        while !bus.metrics().contains("carillon_redis_up 0") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, down).await.expect("the gauge falls");
    bus.server.start_again().await;
    accepted_at_last(&worker, "after").await;
    // It came back empty, so what it took last may be gone. By which of the two this is known first is a
    // matter of luck.
    let (mut gaps, mut texts) = (Vec::new(), Vec::new());
    while gaps.is_empty() || texts.is_empty() {
        match node.arrival().await {
            Arrival::Gap(gap) => gaps.push(gap.since.clone()),
            Arrival::Notice(notice) => texts.push(text_of(&notice)),
            other => panic!("a gap or a notice was to come, not {other:?}"),
        }
    }
    assert_eq!((gaps, texts), (vec![seen], vec!["after".to_owned()]));
    let up = async {
        while !bus.metrics().contains("carillon_redis_up 1") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, up).await.expect("the gauge rises");
}

#[tokio::test]
async fn a_gap_in_what_is_kept_is_said_before_what_is_kept() {
    let config = Config { finals_keep: 2, ..OverRedis::config() };
    let (bus, mut node) = OverRedis::one_with(config).await;
    let worker = bus.link().await;
    node.enter(&audience()).await;
    let seen = worker.accepted(end("seen", now(), "seen")).await;
    assert_eq!(node.hear_texts(1).await, ["seen"]);
    // A hole as deep as this cannot be made from outside in time, so the count is moved.
    let key = format!("carillon:{{{}}}:life", audience());
    bus.server.say(&format!("HINCRBY {key} seq 5")).await;
    bus.server.say(&format!("HSET {key} trimmed 4")).await;
    worker.accepted(end("next", now(), "next")).await;
    let arrival = timeout(DEADLINE, node.link.inbox.next()).await.expect("something comes");
    let Some(Arrival::Gap(gap)) = arrival else { panic!("{arrival:?}") };
    assert_eq!(gap.since, seen);
    assert_eq!(node.hear_texts(1).await, ["next"]);
}

#[tokio::test]
async fn what_a_store_that_lost_some_numbers_again_is_heard_and_said_as_a_gap() {
    let (bus, mut node) = OverRedis::lasting().await;
    let worker = bus.link().await;
    node.enter(&audience()).await;
    for n in 1..=5 {
        worker.accepted(end(&n.to_string(), now(), &n.to_string())).await;
    }
    let seen = node.hear_texts(5).await;
    assert_eq!(seen, ["1", "2", "3", "4", "5"]);
    // As a replica has it that took over before it was told the last three.
    let key = |part: &str| format!("carillon:{{{}}}:{part}", audience());
    bus.server.say(&format!("HSET {} seq 2", key("life"))).await;
    bus.server.say(&format!("HDEL {} 1:3 1:4 1:5", key("heads"))).await;
    bus.server.say(&format!("DEL {}", key("log"))).await;
    let again = worker.accepted(end("again", now(), "again")).await;
    assert_eq!(again.position.seq, 3, "a number is given twice");
    bus.server.say("CLIENT KILL TYPE pubsub").await;
    let arrival = timeout(DEADLINE, node.link.inbox.next()).await.expect("something comes");
    let Some(Arrival::Gap(gap)) = arrival else { panic!("{arrival:?}") };
    assert_eq!(gap.since.position.seq, 5);
    assert_eq!(heard_until(&mut node, "again").await.last().map(String::as_str), Some("again"));
    let next = worker.accepted(end("next", now(), "next")).await;
    assert!(next.position.seq > 6, "no number is given a third time: {next:?}");
    assert_eq!(node.hear_texts(1).await, ["next"]);
    let old = node.after(&gap.since.position).await;
    assert!(old.gap.is_some(), "a cursor of a number that was given twice is not trusted");
}

#[tokio::test]
async fn a_node_that_does_not_empty_its_inbox_falls_behind_and_loses_no_final() {
    const COUNT: usize = 40_000;
    let config = Config { finals_keep: COUNT, tasks_per_user_max: COUNT, ..OverRedis::config() };
    let day = Duration::from_hours(24);
    let config = Config { inbox_len_max: 10, finals_age: day, ended_age: day, ..config };
    let (bus, mut node) = OverRedis::one_with(config).await;
    node.enter(&audience()).await;
    let worker = bus.link().await;
    for from in (0..COUNT).step_by(1_000) {
        let drafts = (from..from + 1_000).map(|n| end(&n.to_string(), now(), &n.to_string()));
        let results = worker.link.publisher.publish_all(drafts.collect()).await;
        assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|r| r.is_err()));
    }
    let mut seqs = Vec::new();
    while seqs.len() < COUNT {
        seqs.push(node.hear().await.position.seq);
    }
    assert_eq!(seqs, (1..=COUNT as u64).collect::<Vec<_>>());
    assert!(bus.metrics().contains("carillon_bus_repairs_total"), "nothing was dropped on the way");
}

#[tokio::test]
async fn messages_dropped_while_others_are_to_be_read_are_missed_by_nobody() {
    let config = Config { inbox_len_max: 1, ..OverRedis::config() };
    let day = Duration::from_hours(24);
    let bus = Config { finals_age: day, live_age: day, ended_age: day, ..config };
    let server = Server::start(&[]).await;
    let config = RedisConfig::new(server.url(), "carillon", bus);
    let often = Duration::from_secs(90);
    let bus = Running::start(RedisConfig { positions_every: often, ..config }).await;
    let (mut node, worker) = (bus.link().await, bus.link().await);
    node.enter(&audience()).await;
    node.enter(&room("busy")).await;
    let busy = |n: usize| (0..n).map(|_| plain(room("busy"), "note")).collect();
    worker.link.publisher.publish_all(busy(3)).await;
    worker.accepted(end("missed", now(), "missed")).await;
    // More than waits for one connection.
    for _ in 0..17 {
        let results = worker.link.publisher.publish_all(busy(1_000)).await;
        assert!(results.iter().all(Result::is_ok));
    }
    // To be confirmed is to be looked at, which comes before the next message.
    node.enter(&room("another")).await;
    let heard = timeout(often / 3, heard_until(&mut node, "missed")).await;
    heard.expect("before the next round of comparing");
    let dropped = "carillon_bus_dropped_total{reason=\"connection_full\"}";
    assert!(bus.metrics().contains(dropped), "{}", bus.metrics());
}

#[tokio::test]
async fn listening_to_one_audience_too_many_is_refused_until_another_is_left() {
    let (_bus, node) =
        OverRedis::one_with(Config { audiences_max: 1, ..OverRedis::config() }).await;
    node.enter(&room("a")).await;
    let error = node.interest().enter(&room("b")).await.expect_err("one is listened to");
    assert!(matches!(error, BusError::Full { len_max: 1, .. }), "{error}");
    node.interest().leave(&room("a"));
    let left = async {
        while node.interest().enter(&room("b")).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, left).await.expect("room a is left");
}

#[tokio::test]
async fn a_stopped_bus_ends_the_inbox() {
    let (bus, node) = OverRedis::lasting().await;
    node.enter(&audience()).await;
    let Running { stop, mut tasks, .. } = bus.running;
    drop(stop);
    let mut inbox = node.link.inbox;
    let ended = timeout(DEADLINE, inbox.next()).await.expect("it ends");
    assert!(ended.is_none(), "{ended:?}");
    let done = timeout(DEADLINE, tasks.join_next()).await.expect("run returns");
    done.expect("there was one task").expect("it did not panic");
}
