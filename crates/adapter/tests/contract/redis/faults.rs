//! What happens on the way to Redis, and that nothing final is lost by it.

use std::time::Duration;

use adapter::{Config, Interest, PublishError, Published, RedisConfig};
use bytes::Bytes;
use futures_util::future::join_all;
use notice::{Audience, Draft, Payload};
use serde_json::value::to_raw_value;
use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep, timeout},
};

use super::{DEADLINE, OverRedis, Running, accepted_at_last, heard_until};
use crate::{
    detour::Detour,
    drafts::{audience, end, now, plain, progress, room, to},
    server::Server,
    subject::{Node, Subject},
};

/// Which connection of a bus with one node is which, in the order in which they are made.
const ASKING: usize = 0;
const SIGNALS: usize = 1;
const HEARING: usize = 2;

fn config(url: String) -> RedisConfig {
    let day = Duration::from_hours(24);
    let bus = Config { finals_age: day, live_age: day, ended_age: day, ..OverRedis::config() };
    RedisConfig::new(url, "carillon", bus)
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_rebuilt_and_what_it_missed_is_heard() {
    let server = Server::start(&[]).await;
    let detour = Detour::to(server.port(), Duration::ZERO).await;
    let times = Duration::from_millis(400);
    let config = RedisConfig { canary_every: times, canary_wait: times, ..config(detour.url()) };
    let bus = Running::start(config).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    bus.comes_to_count("carillon_bus_canary_seconds_count 2").await;
    assert!(bus.metrics().contains("carillon_bus_rebuilds_total 0"), "{}", bus.metrics());
    detour.freeze(HEARING);
    node.accepted(end("missed", now(), "missed")).await;
    assert_eq!(heard_until(&mut node, "missed").await, ["missed"]);
    assert!(!bus.metrics().contains("carillon_bus_rebuilds_total 0"), "{}", bus.metrics());
    assert!(bus.redis.is_up());
}

#[tokio::test]
async fn a_connection_for_signals_that_fell_silent_is_rebuilt() {
    let server = Server::start(&[]).await;
    let relay = Detour::to(server.port(), Duration::ZERO).await;
    let (bus, other) =
        (Running::start(config(relay.url())).await, Running::start(config(server.url())).await);
    let (node, other) = (bus.link().await, other.link_as("other").await);
    let mut watch = node.watch("channel", 1).await;
    relay.freeze(SIGNALS);
    let heard = async {
        let mut sending = interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                signal = watch.next() => return signal,
                _ = sending.tick() => drop(other.link.signals.send("channel", Bytes::from("x")).await),
            }
        }
    };
    assert!(timeout(DEADLINE, heard).await.expect("it is watched anew").is_some());
}

#[tokio::test]
async fn a_connection_to_publish_by_that_fell_silent_is_rebuilt() {
    let server = Server::start(&[]).await;
    let relay = Detour::to(server.port(), Duration::ZERO).await;
    let bus = Running::start(config(relay.url())).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    relay.freeze(ASKING);
    bus.comes_to_count("carillon_redis_up 0").await;
    accepted_at_last(&node, "at last").await;
    assert_eq!(heard_until(&mut node, "at last").await, ["at last"]);
}

#[tokio::test]
async fn what_is_on_its_way_when_it_is_compared_is_not_lost() {
    let server = Server::start(&[]).await;
    let relay = Detour::to(server.port(), Duration::ZERO).await;
    let config = RedisConfig { positions_every: Duration::from_millis(300), ..config(relay.url()) };
    let bus = Running::start(config).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    for n in 1..=8 {
        relay.freeze(HEARING);
        let texts = ["a", "b", "c"].map(|letter| format!("{n}{letter}"));
        for text in &texts {
            node.accepted(progress("copy", now(), text)).await;
        }
        // Longer than a round takes, and shorter than what counts as lost.
        sleep(Duration::from_millis(400)).await;
        relay.thaw(HEARING);
        assert_eq!(node.hear_texts(3).await, texts, "all of them, though one would do");
    }
    assert!(!bus.metrics().contains("carillon_bus_repairs_total{"), "{}", bus.metrics());
}

#[tokio::test]
async fn while_redis_is_known_to_be_away_publishing_fails_at_once() {
    let mut server = Server::start(&[]).await;
    let bus = Running::start(config(server.url())).await;
    let node = bus.link().await;
    server.stop();
    bus.comes_to_count("carillon_redis_up 0").await;
    let from = Instant::now();
    node.try_publish(end("0", now(), "0")).await.expect_err("it is away");
    let drafts = (1..=300).map(|n| end(&n.to_string(), now(), "")).collect();
    for result in node.link.publisher.publish_all(drafts).await {
        assert!(matches!(result, Err(PublishError::Unreachable { .. })), "{result:?}");
    }
    assert!(from.elapsed() < Duration::from_secs(1), "{:?}", from.elapsed());
    server.start_again().await;
    accepted_at_last(&node, "again").await;
}

#[tokio::test]
async fn what_was_missed_without_any_sign_is_found_by_comparing() {
    let server = Server::start(&[]).await;
    let config = RedisConfig { positions_every: Duration::from_secs(1), ..config(server.url()) };
    let bus = Running::start(config).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    node.accepted(end("0", now(), "0")).await;
    assert_eq!(node.hear_texts(1).await, ["0"]);
    // As if one had been counted that never came.
    let life = format!("carillon:{{{}}}:life", audience());
    server.say(&format!("HINCRBY {life} seq 1")).await;
    bus.comes_to_count("carillon_bus_repairs_total{cause=\"behind\"} 1").await;
    node.accepted(end("1", now(), "1")).await;
    assert_eq!(node.hear_texts(1).await, ["1"]);
    assert!(!bus.metrics().contains("cause=\"hole\""), "it was known by then");
}

#[tokio::test]
async fn a_subscriber_cut_off_by_its_output_buffer_hears_every_final() {
    let server = Server::start(&[]).await;
    server.say("CONFIG SET client-output-buffer-limit \"pubsub 1mb 1mb 1\"").await;
    let detour = Detour::to(server.port(), Duration::ZERO).await;
    let bus = Running::start(config(detour.url())).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    detour.freeze(HEARING);
    let large = to_raw_value(&"x".repeat(500_000)).expect("a text is JSON");
    for n in 1..=30 {
        let draft = end(&n.to_string(), now(), "");
        node.accepted(Draft { payload: Payload::one(&large), ..draft }).await;
    }
    let listeners = format!("PUBSUB SHARDNUMSUB carillon:{{{}}}", audience());
    server.comes_to_say(&listeners, ":0").await;
    detour.thaw(HEARING);
    for seq in 1..=30 {
        assert_eq!(node.hear().await.position.seq, seq);
    }
}

#[tokio::test]
async fn a_way_of_200_ms_is_slow_and_nothing_more() {
    let server = Server::start(&[]).await;
    let detour = Detour::to(server.port(), Duration::from_millis(100)).await;
    let bus = Running::start(config(detour.url())).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    let rooms: Vec<_> = (0..300).map(|n| room(&n.to_string())).collect();
    let entering = rooms.iter().map(|room| node.link.interest.enter(room));
    for entered in join_all(entering).await {
        entered.expect("there is room");
    }
    let drafts = (0..500).map(|n| end(&n.to_string(), now(), &n.to_string())).collect();
    let results = node.link.publisher.publish_all(drafts).await;
    assert!(results.iter().all(Result::is_ok));
    let texts: Vec<_> = (0..500).map(|n| n.to_string()).collect();
    assert_eq!(node.hear_texts(500).await, texts);
    server.say("CLIENT KILL TYPE pubsub").await;
    accepted_at_last(&node, "meanwhile").await;
    assert_eq!(heard_until(&mut node, "meanwhile").await, ["meanwhile"]);
    let all_again = async { while !all_are_heard(&node, &rooms).await {} };
    timeout(DEADLINE, all_again).await.expect("all are subscribed to again");
}

async fn all_are_heard(node: &Node, rooms: &[Audience]) -> bool {
    let drafts = rooms.iter().map(|room| plain(room.clone(), "are you there")).collect();
    let results = node.link.publisher.publish_all(drafts).await;
    results.iter().all(|result| matches!(result, Ok(Published::Accepted { nodes: 1, .. })))
}

#[tokio::test]
async fn a_subscription_that_is_not_answered_is_reason_enough_for_a_new_connection() {
    let server = Server::start(&[]).await;
    let detour = Detour::to(server.port(), Duration::ZERO).await;
    let config = config(detour.url());
    let bus = Config { publish_wait: Duration::from_millis(300), ..config.bus.clone() };
    let never = Duration::from_hours(1);
    let config = RedisConfig { bus, canary_every: never, canary_wait: never, ..config };
    let bus = Running::start(config).await;
    let node = bus.link().await;
    // Its first question of its own is behind it by then.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        node.enter(&room(&rand::random::<u64>().to_string())).await;
    }
    detour.freeze(HEARING);
    let since = Instant::now();
    let entered = async {
        while node.interest().enter(&room(&rand::random::<u64>().to_string())).await.is_err() {}
    };
    timeout(DEADLINE, entered).await.expect("there is a new connection");
    // It is asked by itself every five seconds.
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
}

#[tokio::test]
async fn without_redis_a_node_that_many_have_left_stops_all_the_same() {
    let mut server = Server::start(&[]).await;
    let bus = Running::start(config(server.url())).await;
    let node = bus.link().await;
    let rooms: Vec<_> = (0..500).map(|n| room(&n.to_string())).collect();
    for entered in join_all(rooms.iter().map(|room| node.interest().enter(room))).await {
        entered.expect("there is room");
    }
    server.stop();
    bus.comes_to_count("carillon_redis_up 0").await;
    for room in &rooms {
        node.interest().leave(room);
    }
    sleep(OverRedis::config().interest_linger * 2).await;
    let Running { stop, mut tasks, .. } = bus;
    drop(stop);
    let done = timeout(DEADLINE, tasks.join_next()).await.expect("run returns");
    done.expect("there was one task").expect("it did not panic");
}

#[tokio::test]
async fn what_a_deposed_server_does_not_know_is_not_taken_for_all_there_is() {
    let primary = Server::start(&[]).await;
    let of = primary.port().to_string();
    let writable = ["--replicaof", "127.0.0.1", &of, "--replica-read-only", "no"];
    let deposed = Server::start(&writable).await;
    deposed.comes_to_say("INFO replication", "master_link_status:up").await;
    let detour = Detour::to(primary.port(), Duration::ZERO).await;
    detour.lead_astray(ASKING, deposed.port());
    let bus = Running::start(config(detour.url())).await;
    let elsewhere = Running::start(config(primary.url())).await;
    let (mut node, worker) = (bus.link().await, elsewhere.link().await);
    node.enter(&audience()).await;
    worker.accepted(end("before", now(), "before")).await;
    assert_eq!(node.hear_texts(1).await, ["before"]);
    deposed.comes_to_say(&format!("EXISTS carillon:{{{}}}:log", audience()), ":1").await;
    // It knows nothing of what comes now, and answers all the same.
    deposed.say("REPLICAOF NO ONE").await;
    primary.say("CLIENT KILL TYPE pubsub").await;
    accepted_at_last(&worker, "missed").await;
    let listeners = format!("PUBSUB SHARDNUMSUB carillon:{{{}}}", audience());
    primary.comes_to_say(&listeners, ":1").await;
    // It is asked by then, and again; until somebody leads the question to the right one.
    sleep(Duration::from_millis(500)).await;
    deposed.say("CLIENT KILL TYPE normal").await;
    let heard = timeout(Duration::from_secs(10), heard_until(&mut node, "missed")).await;
    assert_eq!(heard.expect("before the next round of comparing"), ["missed"]);
}

#[tokio::test]
async fn a_store_that_was_taken_over_is_read_for_many_at_once() {
    const AUDIENCES: usize = 300;
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let way = Duration::from_millis(20);
    let detour = Detour::to(server.port(), way).await;
    let bus = Running::start(config(detour.url())).await;
    let node = bus.link().await;
    let rooms: Vec<_> = (0..AUDIENCES).map(|n| room(&n.to_string())).collect();
    for entered in join_all(rooms.iter().map(|room| node.interest().enter(room))).await {
        entered.expect("there is room");
    }
    let drafts = rooms.iter().map(|room| plain(room.clone(), "before")).collect();
    let results = node.link.publisher.publish_all(drafts).await;
    assert!(results.iter().all(Result::is_ok));
    server.stop();
    bus.comes_to_count("carillon_redis_up 0").await;
    server.start_again().await;
    bus.comes_to_count("carillon_redis_up 1").await;
    let since = Instant::now();
    let all = format!("carillon_bus_repairs_total{{cause=\"taken_over\"}} {AUDIENCES}");
    bus.comes_to_count(&all).await;
    // Each of them asks three times.
    let one_by_one = way * 2 * 3 * u32::try_from(AUDIENCES).expect("they are few");
    assert!(since.elapsed() < one_by_one / 3, "{:?}", since.elapsed());
}

#[tokio::test]
async fn more_audiences_than_the_inbox_has_places_are_read_while_another_is_heard() {
    const AUDIENCES: usize = 64;
    let server = Server::start(&[]).await;
    let config = config(server.url());
    let bus = Config { inbox_len_max: 4, ..config.bus.clone() };
    let bus = Running::start(RedisConfig { bus, ..config }).await;
    let (mut node, worker) = (bus.link().await, bus.link().await);
    let rooms: Vec<_> = (0..AUDIENCES).map(|n| room(&n.to_string())).collect();
    for entered in join_all(rooms.iter().map(|room| node.interest().enter(room))).await {
        entered.expect("there is room");
    }
    node.enter(&room("busy")).await;
    server.say("CLIENT KILL TYPE pubsub").await;
    let missed = rooms.iter().map(|room| to(room.clone(), end("copy", now(), "missed"))).collect();
    let results = worker.link.publisher.publish_all(missed).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let all = format!("carillon_bus_repairs_total{{cause=\"behind\"}} {AUDIENCES}");
    bus.comes_to_count(&all).await;
    for _ in 0..8 {
        worker.accepted(plain(room("busy"), "note")).await;
    }
    // Nothing tells from outside that the first of these waits behind all the others.
    sleep(Duration::from_millis(200)).await;
    let mut texts = node.hear_texts(AUDIENCES + 8).await;
    texts.retain(|text| text == "missed");
    assert_eq!(texts.len(), AUDIENCES);
}

#[tokio::test]
async fn who_left_is_forgotten_however_many_enter_meanwhile() {
    let server = Server::start(&[]).await;
    let detour = Detour::to(server.port(), Duration::from_millis(20)).await;
    let bus = Running::start(config(detour.url())).await;
    let node = bus.link().await;
    node.enter(&room("left")).await;
    let interest = node.interest();
    let left = async {
        sleep(Duration::from_millis(500)).await;
        interest.leave(&room("left"));
        let listeners = format!("PUBSUB SHARDNUMSUB carillon:{{{}}}", room("left"));
        server.comes_to_say(&listeners, ":0").await;
    };
    tokio::select! {
        () = enter_without_end(interest) => {}
        () = left => {}
    }
}

/// More often than Redis answers.
async fn enter_without_end(interest: &Interest) {
    let mut often = interval(Duration::from_millis(5));
    let mut entering = JoinSet::new();
    for n in 0.. {
        often.tick().await;
        let (interest, room) = (interest.clone(), room(&n.to_string()));
        entering.spawn(async move { interest.enter(&room).await });
    }
}
