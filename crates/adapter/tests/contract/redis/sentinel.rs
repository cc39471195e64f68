//! The bus over a primary that sentinels have chosen, and may choose anew.

use std::time::Duration;

use adapter::{Arrival, Config, ConnectError, RedisConfig};
use prometheus::Registry;

use super::{OverRedis, Running, accepted_at_last, connect, heard_until};
use crate::{
    drafts::{audience, end, now, progress, text_of},
    fleet::Watched,
    subject::Subject,
};

fn config(watched: &Watched) -> RedisConfig {
    let day = Duration::from_hours(24);
    let bus = Config { finals_age: day, live_age: day, ended_age: day, ..OverRedis::config() };
    RedisConfig::new(watched.url("bus"), "carillon", bus)
}

#[tokio::test]
async fn after_a_failover_the_new_primary_is_the_bus_and_the_old_one_is_left() {
    let mut watched = Watched::start().await;
    let bus = Running::start(config(&watched)).await;
    let (mut node, worker) = (bus.link().await, bus.link().await);
    node.enter(&audience()).await;
    worker.accepted(end("before", now(), "before")).await;
    assert_eq!(node.hear_texts(1).await, ["before"]);
    watched.replica.comes_to_say("EXISTS carillon:{user:5@/notice}:log", ":1").await;

    watched.primary.stop();
    accepted_at_last(&worker, "after").await;
    assert_eq!(heard_until(&mut node, "after").await.last().map(String::as_str), Some("after"));
    assert!(watched.replica.say("INFO replication").await.contains("role:master"));
    bus.comes_to_count("carillon_redis_up 1").await;

    watched.primary.start_again().await;
    // The sentinel says so too, but looks every ten seconds, and not before it has seen it up for eight.
    let primary = watched.replica.port();
    watched.primary.say(&format!("REPLICAOF 127.0.0.1 {primary}")).await;
    watched.primary.comes_to_say("INFO replication", "role:slave").await;
    worker.accepted(end("later", now(), "later")).await;
    assert_eq!(heard_until(&mut node, "later").await.last().map(String::as_str), Some("later"));
}

#[tokio::test]
async fn what_a_new_primary_numbers_again_is_heard_though_its_number_is_known() {
    let mut watched = Watched::start().await;
    let bus = Running::start(config(&watched)).await;
    let (mut node, worker) = (bus.link().await, bus.link().await);
    node.enter(&audience()).await;
    worker.accepted(end("1", now(), "1")).await;
    watched.replica.comes_to_say("EXISTS carillon:{user:5@/notice}:log", ":1").await;
    // From now on nothing is copied, and the sentinel does not see to it.
    watched.replica.say("REPLICAOF NO ONE").await;
    for n in 2..=4 {
        worker.accepted(end(&n.to_string(), now(), &n.to_string())).await;
    }
    assert_eq!(node.hear_texts(4).await, ["1", "2", "3", "4"]);
    watched.primary.stop();
    let primary = watched.replica.port();
    watched.sentinel.say("SENTINEL REMOVE bus").await;
    watched.sentinel.say(&format!("SENTINEL MONITOR bus 127.0.0.1 {primary} 1")).await;
    // It counts on from 2: the first three are given a number that the node has heard, the next a newer.
    for text in ["a", "b", "c", "d"] {
        accepted_at_last(&worker, text).await;
    }
    // Whether the loss shows, and is said as a gap, depends on how far it had counted when we looked.
    let mut new = String::new();
    while !new.contains('d') {
        let Arrival::Notice(notice) = node.arrival().await else { continue };
        let text = text_of(&notice);
        if text.starts_with(char::is_alphabetic) && !new.contains(&text) {
            new.push_str(&text);
        }
    }
    assert_eq!(new, "abcd");
}

#[tokio::test]
async fn after_an_end_that_a_new_primary_has_lost_no_progress_is_shown() {
    let mut watched = Watched::start().await;
    let bus = Running::start(config(&watched)).await;
    let (mut node, worker) = (bus.link().await, bus.link().await);
    node.enter(&audience()).await;
    worker.accepted(progress("copy", now(), "10%")).await;
    watched.replica.comes_to_say("EXISTS carillon:{user:5@/notice}:shown", ":1").await;
    watched.replica.say("REPLICAOF NO ONE").await;
    worker.accepted(end("copy", now(), "100%")).await;
    assert_eq!(node.hear_texts(2).await, ["10%", "100%"]);
    watched.primary.stop();
    let primary = watched.replica.port();
    watched.sentinel.say("SENTINEL REMOVE bus").await;
    watched.sentinel.say(&format!("SENTINEL MONITOR bus 127.0.0.1 {primary} 1")).await;
    accepted_at_last(&worker, "other").await;
    bus.comes_to_count("carillon_bus_repairs_total{cause=\"").await;
    // The second comes behind all that the first made the node read.
    accepted_at_last(&worker, "last").await;
    let mut texts = Vec::new();
    while texts.last().is_none_or(|text| text != "last") {
        let Arrival::Notice(notice) = node.arrival().await else { continue };
        texts.push(text_of(&notice));
    }
    assert!(!texts.iter().any(|text| text == "10%"), "{texts:?}");
}

#[tokio::test]
async fn a_service_that_the_sentinels_do_not_know_is_refused() {
    let watched = Watched::start().await;
    let url = watched.url("other");
    let error = connect(url, OverRedis::config(), &Registry::new()).await.expect_err("none");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("the name that the url gives"), "{error}");
}
