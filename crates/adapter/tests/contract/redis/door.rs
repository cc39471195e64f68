//! Which Redis can be a bus, and how the others are refused.

use std::time::Duration;

use adapter::{Config, ConnectError, LoginError, LoginMode, Redis, RedisConfig, Share};
use bytes::Bytes;
use notice::NodeId;
use prometheus::Registry;
use tokio::time::{sleep, timeout};

use super::{DEADLINE, OverRedis, Running, connect};
use crate::{
    drafts::{audience, end, now, plain, progress},
    held_seats,
    logins::login,
    old_redis::OldRedis,
    revocations,
    server::Server,
    subject::Subject,
    uplink::{event, kept},
};

async fn refusal(url: String) -> ConnectError {
    let registry = Registry::new();
    let connecting = connect(url, OverRedis::config(), &registry);
    timeout(DEADLINE, connecting).await.expect("it answers").expect_err("this is no bus")
}

#[tokio::test]
async fn a_wrong_password_is_named_and_never_shown() {
    let server = Server::start(&["--requirepass", "right"]).await;
    let error = refusal(server.url_for(":wrong-secret")).await;
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong-secret"), "{error:?}");
    let none = refusal(server.url()).await;
    assert!(matches!(none, ConnectError::Refused { .. }), "{none}");
    let right = server.url_for(":right");
    connect(right, OverRedis::config(), &Registry::new()).await.expect("it is the password");
}

#[tokio::test]
async fn a_user_with_what_the_docs_list_and_nothing_else_will_do() {
    let docs = include_str!("../../../../../docs/redis.md");
    let rule = docs.lines().find(|line| line.starts_with("ACL SETUSER carillon "));
    let (rule, _for_queues) =
        rule.and_then(|rule| rule.split_once(" +subscribe ")).expect("a rule");
    let server = Server::start(&[]).await;
    let answer = server.say(rule).await;
    assert!(answer.starts_with("+OK"), "{answer}");
    let url = server.url_for("carillon:PASSWORD");
    let limits = Config { seats_held: Some(Duration::from_mins(1)), ..OverRedis::config() };
    let config = RedisConfig::new(url.clone(), "carillon", limits);
    let bus =
        Running::start(RedisConfig { canary_every: Duration::from_millis(50), ..config }).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    node.accepted(progress("export", now(), "10%")).await;
    node.accepted(end("copy", now(), "end")).await;
    assert_eq!(node.hear_texts(2).await, ["10%", "end"]);
    assert_eq!(node.tasks().await, ["10%", "end"]);
    assert!(node.log_in("a", LoginMode::Whenever).await);
    let error = node.try_login(login("a", LoginMode::Last)).await.expect_err("the store is new");
    assert!(matches!(error, LoginError::Unsettled { .. }), "{error}");
    assert!(node.forget("export").await);
    assert_eq!(node.within(Duration::from_hours(1)).await.finals.len(), 1);
    bus.comes_to_count("carillon_bus_canary_seconds_count 1").await;
    let receipt = node.try_hand(&event("[]"), &Share::default()).expect("there is room");
    kept(receipt).await.expect("it may be kept");
    node.accepted(plain(audience(), "kept for who comes back")).await;
    revocations::are_noted_and_read(&node).await;
    held_seats::are_held_and_found(&node).await;
    nodes_may_speak(&bus).await;
    let registry = Registry::new();
    let other =
        Redis::connect(RedisConfig::new(url, "other", OverRedis::config()), &registry).await;
    let node = other.expect("it is let in").link(NodeId::new("node").expect("a node")).await;
    let error = node.map(drop).expect_err("the channels are another's");
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
}

/// Everything that nodes do beside notices.
async fn nodes_may_speak(bus: &Running) {
    let (mut one, other) = (bus.link_as("one").await, bus.link_as("other").await);
    let mut watch = one.watch("channel", 1).await;
    assert_eq!(other.signal("channel", "signal").await, 1);
    assert!(watch.next().await.is_some());
    assert_eq!(other.link.signals.listeners("channel").await.expect("it may ask"), 1);
    drop(watch);
    let answering = async {
        let request = one.link.requests.next().await.expect("it was asked");
        request.answer(Bytes::from("answer")).await;
    };
    let asked = NodeId::new("one").expect("a node");
    let asking = other.link.nodes.ask(&asked, Bytes::from("question"), DEADLINE);
    let (answer, ()) = tokio::join!(asking, answering);
    assert_eq!(answer.expect("it may ask"), Some(Bytes::from("answer")));
    let wait = Duration::from_millis(200);
    other.link.nodes.ask_all(Bytes::new(), wait).await.expect("it may ask");
    drop(one.link.inbox);
    let left = async {
        while other.link.nodes.living().await.expect("it may ask").len() > 2 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(OverRedis::config().node_lease, left).await.expect("it may leave");
}

#[tokio::test]
async fn a_read_only_replica_is_refused() {
    let server = Server::start(&["--replicaof", "127.0.0.1 1"]).await;
    let error = refusal(server.url()).await;
    assert!(matches!(error, ConnectError::ReadOnly { .. }), "{error}");
}

#[tokio::test]
async fn a_node_that_does_not_come_onto_the_bus_is_not_taken_for_living() {
    let (bus, _node) = OverRedis::lasting().await;
    let clients = bus.server.say("CLIENT LIST").await;
    let clients = clients.lines().filter(|line| line.starts_with("id=")).count();
    // One or two more than there are, as those who say so are gone by then or not.
    let answer = bus.server.say(&format!("CONFIG SET maxclients {}", clients + 1)).await;
    assert!(answer.starts_with("+OK"), "{answer}");
    let ghost = NodeId::new("ghost").expect("a node");
    bus.running.redis.link(ghost).await.map(drop).expect_err("it needs three connections");
    bus.server.comes_to_say("HEXISTS carillon:{nodes}:leases ghost", ":0").await;
}

#[tokio::test]
async fn where_the_nodes_leases_are_somebody_elses_a_node_does_not_start_and_says_why() {
    let server = Server::start(&[]).await;
    server.say("SET carillon:{nodes}:leases theirs").await;
    let bus = connect(server.url(), OverRedis::config(), &Registry::new()).await;
    let node = NodeId::new("node").expect("a node");
    let error = bus.expect("it is a good Redis").link(node).await.map(drop).expect_err("it is not");
    assert!(matches!(error, ConnectError::Taken { .. }), "{error}");
    assert!(error.to_string().contains("hint: a key under our prefix"), "{error}");
}

#[tokio::test]
async fn a_server_that_stands_alone_is_no_cluster() {
    let server = Server::start(&[]).await;
    let error = refusal(server.url().replace("redis://", "redis-cluster://")).await;
    assert!(error.to_string().contains("without -cluster"), "{error}");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_refused_with_its_address() {
    let mut server = Server::start(&[]).await;
    let url = server.url();
    server.stop();
    let error = refusal(url.clone()).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(url.trim_start_matches("redis://")), "{error}");
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_by_its_form() {
    for url in ["http://127.0.0.1", "127.0.0.1:6379", "redis://", "redis-sentinel://127.0.0.1", ""]
    {
        let error = refusal(url.to_owned()).await;
        assert!(matches!(error, ConnectError::Url { .. }), "{url}: {error}");
        assert!(error.to_string().contains("redis-sentinel"), "{error}");
    }
}

#[tokio::test]
async fn a_redis_before_7_is_refused_by_its_version() {
    let old = OldRedis::start().await;
    let error = refusal(old.url()).await;
    assert!(
        matches!(&error, ConnectError::TooOld { version, .. } if version == "6.2.14"),
        "{error}"
    );
    assert!(error.to_string().contains("hint: 7.0 or newer"), "{error}");
}
