//! What the scripts leave in Redis.

use std::time::Duration;

use adapter::{Config, Published};

use super::OverRedis;
use crate::{
    drafts::{audience, end, now, plain, progress, version},
    subject::Subject,
};

fn key(part: &str) -> String {
    format!("carillon:{{{}}}:{part}", audience())
}

impl OverRedis {
    /// The first line of what Redis answers.
    async fn answer(&self, command: &str) -> String {
        let answer = self.server.say(command).await;
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// All that is kept of the audience, as numbers.
    async fn digest(&self) -> String {
        let keys = ["life", "heads", "shown", "log"].map(key).join(" ");
        self.server.say(&format!("DEBUG DIGEST-VALUE {keys}")).await
    }
}

#[tokio::test]
async fn all_keys_of_an_audience_go_at_the_same_moment() {
    let (bus, node) = OverRedis::lasting().await;
    node.accepted(progress("copy", now(), "10%")).await;
    node.accepted(end("export", now(), "end")).await;
    node.accepted(progress("copy", now(), "20%")).await;
    let life = bus.answer(&format!("PEXPIRETIME {}", key("life"))).await;
    assert!(life.trim_start_matches(':').parse::<u64>().is_ok(), "{life}");
    for part in ["heads", "shown", "log"] {
        assert_eq!(bus.answer(&format!("PEXPIRETIME {}", key(part))).await, life, "{part}");
    }
}

#[tokio::test]
async fn keys_that_come_later_or_come_back_go_with_the_others() {
    let (bus, node) = OverRedis::lasting().await;
    node.accepted(plain(audience(), "note")).await;
    node.accepted(progress("copy", now(), "10%")).await;
    assert!(node.forget("copy").await);
    assert_eq!(bus.answer(&format!("EXISTS {}", key("heads"))).await, ":0");
    node.accepted(progress("copy", now(), "20%")).await;
    let life = bus.answer(&format!("PEXPIRETIME {}", key("life"))).await;
    assert_ne!(life, ":-1");
    for part in ["heads", "shown"] {
        assert_eq!(bus.answer(&format!("PEXPIRETIME {}", key(part))).await, life, "{part}");
    }
}

#[tokio::test]
async fn what_is_refused_leaves_no_trace() {
    let config = Config { tasks_per_user_max: 2, ..OverRedis::config() };
    let day = Duration::from_hours(24);
    let config = Config { live_age: day, ended_age: day, finals_age: day, ..config };
    let (bus, node) = OverRedis::one_with(config).await;
    node.accepted(progress("copy", version(2.0), "2")).await;
    node.accepted(end("export", now(), "end")).await;
    node.try_publish(progress("third", now(), "third")).await.expect_err("there are two");
    let before = bus.digest().await;
    let late = node.publish(progress("copy", version(1.0), "1")).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.publish(end("export", now(), "again")).await, Published::AfterFinal);
    node.try_publish(progress("third", now(), "third")).await.expect_err("there are two");
    assert_eq!(bus.digest().await, before);
}

#[tokio::test]
async fn the_log_is_as_short_as_it_is_to_be() {
    let (bus, node) = OverRedis::one_with(Config { finals_keep: 3, ..OverRedis::config() }).await;
    for n in 0..10 {
        node.accepted(end(&n.to_string(), now(), "end")).await;
    }
    assert_eq!(bus.answer(&format!("XLEN {}", key("log"))).await, ":3");
    assert_eq!(bus.answer(&format!("HGET {} trimmed", key("life"))).await, "$1");
}

#[tokio::test]
async fn a_plain_notice_leaves_a_count_and_nothing_else() {
    let (bus, node) = OverRedis::lasting().await;
    node.accepted(plain(audience(), "note")).await;
    assert_eq!(bus.answer(&format!("KEYS carillon:{{{}}}*", audience())).await, "*1");
    assert_eq!(bus.answer(&format!("EXISTS {}", key("life"))).await, ":1");
}

#[tokio::test]
async fn tasks_that_are_over_do_not_stay_with_a_user_who_stays() {
    let (bus, node) = OverRedis::one().await;
    let half = OverRedis::config().ended_age / 2;
    for task in ["1", "2"] {
        node.accepted(end(task, now(), "end")).await;
    }
    bus.pass(half).await;
    // So that the audience goes on.
    node.accepted(end("3", now(), "end")).await;
    bus.pass(half).await;
    node.accepted(end("4", now(), "end")).await;
    assert_eq!(bus.answer(&format!("HLEN {}", key("heads"))).await, ":2");
    assert_eq!(bus.answer(&format!("HLEN {}", key("shown"))).await, ":2");
}
