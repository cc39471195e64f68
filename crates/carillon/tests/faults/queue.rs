//! Trouble with those who take messages from the stream.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use crate::{
    page::DEADLINE,
    process::Process,
    redis::{LASTING, OUTAGE},
    server::Server,
    trial::Trial,
};

/// How long a message may stand still in one's hands, in the suite.
const CLAIM_AFTER: &str = "1s";
/// Messages in hand when trouble begins, at least.
const HANDFUL: usize = 50;
/// What a process may grow by while it works, in bytes.
const GROWTH_MAX: u64 = 32 << 20;

/// Two nodes that end sockets, and two that take messages in, `ingest-2` and `ingest-3`.
async fn two_and_two(redis: &Server, claim_after: &str) -> Trial {
    let url = redis.url();
    let mut nodes = Vec::new();
    for n in 0..4 {
        let (roles, name) = (if n < 2 { "gateway" } else { "ingest" }, format!("ingest-{n}"));
        let settings = [
            ("redis.url", url.as_str()),
            ("roles", roles),
            ("recovery.keep", "20000"),
            ("ingest.consumer", name.as_str()),
            ("ingest.claim_after", claim_after),
        ];
        nodes.push(Process::start(&settings).await);
    }
    Trial::without_workers(nodes).await
}

/// Stops `ingest-2` for now, at a time when it has messages in hand.
async fn freeze_with_messages_in_hand(trial: &Trial, redis: &Server) {
    let freezing = async {
        loop {
            trial.nodes[2].signal(Signal::STOP);
            // What it wrote before is read by then.
            redis.say("PING").await;
            if in_hands_of(redis, "ingest-2").await {
                return;
            }
            trial.nodes[2].signal(Signal::CONT);
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(DEADLINE, freezing).await.expect("it takes messages in");
}

async fn in_hands_of(redis: &Server, consumer: &str) -> bool {
    let many = format!("XPENDING carillon:tasks carillon - + {HANDFUL} {consumer}");
    redis.say(&many).await.starts_with(&format!("*{HANDFUL}\r"))
}

/// Waits until nothing of the stream is unread, unacknowledged or kept.
async fn stream_is_worked_off(trial: &Trial, redis: &Server) {
    let is_so = async || {
        redis.say("XPENDING carillon:tasks carillon").await.starts_with("*4\r\n:0")
            && redis.say("XLEN carillon:tasks").await.starts_with(":0")
    };
    let becoming = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(trial.patience, becoming).await.expect("the stream is worked off");
    assert!(redis.say("EXISTS carillon:dead").await.starts_with(":0"));
}

/// How many messages came in after the end of their task, on all nodes.
async fn after_final(trial: &Trial) -> f64 {
    let series = r#"carillon_ingest_messages_total{outcome="after_final",source="stream"} "#;
    let mut sum = 0.0;
    for node in &trial.nodes[2..] {
        sum += trial.caller.metric(&node.internal, series).await.unwrap_or_default();
    }
    sum
}

#[tokio::test]
async fn what_a_killed_node_had_in_hand_arrives_by_another() {
    killed_with_messages_in_hand(CLAIM_AFTER, DEADLINE).await;
}

pub(crate) async fn killed_with_messages_in_hand(claim_after: &str, patience: Duration) {
    let redis = Server::start(&[]).await;
    let mut trial = two_and_two(&redis, claim_after).await;
    trial.patience = patience;
    trial.write(&redis, 3_000, 0);
    freeze_with_messages_in_hand(&trial, &redis).await;
    trial.lose(2).await;
    assert!(in_hands_of(&redis, "ingest-2").await, "it died with nothing in hand");
    trial.local_emit_arrives(0).await;
    trial.all_arrives().await;
    stream_is_worked_off(&trial, &redis).await;
    for node in trial.ends_well().await {
        node.has_told_of_trouble(0).await;
        node.stop().await;
    }
}

#[tokio::test]
async fn what_a_frozen_node_had_in_hand_arrives_by_another_and_is_not_undone_when_it_wakes() {
    frozen_with_messages_in_hand(CLAIM_AFTER, Duration::from_secs(3), DEADLINE).await;
}

pub(crate) async fn frozen_with_messages_in_hand(
    claim_after: &str,
    time: Duration,
    patience: Duration,
) {
    let redis = Server::start(&[]).await;
    let mut trial = two_and_two(&redis, claim_after).await;
    trial.patience = patience;
    trial.write(&redis, 2_000, 2);
    freeze_with_messages_in_hand(&trial, &redis).await;
    sleep(time).await;
    trial.all_arrives().await;
    let in_its_hands = "XPENDING carillon:tasks carillon - + 1 ingest-2";
    redis.comes_to_say(in_its_hands, "*0").await;
    trial.nodes[2].signal(Signal::CONT);
    trial.write(&redis, 500, 2);
    trial.all_arrives().await;
    assert!(after_final(&trial).await > 0.0, "nothing was done twice, so nothing was shown");
    stream_is_worked_off(&trial, &redis).await;
    for node in trial.ends_well().await {
        node.has_told_of_trouble(1).await;
        node.stop().await;
    }
}

#[tokio::test]
async fn a_flood_with_redis_away_in_its_middle_arrives_in_bounded_memory() {
    let mut redis = Server::start(&LASTING).await;
    let mut trial = two_and_two(&redis, "30s").await;
    trial.write(&redis, 2_000, 0);
    trial.all_arrives().await;
    let before: Vec<_> = trial.nodes.iter().map(|node| node.memory("VmRSS")).collect();
    trial.write(&redis, 2_000, 5);
    redis.comes_to_say("XINFO STREAM carillon:tasks", "first-entry\r\n*2").await;
    redis.stop();
    trial.refuse().await;
    trial.local_emit_arrives(1).await;
    sleep(OUTAGE).await;
    redis.start_again().await;
    trial.all_arrives().await;
    for (node, before) in trial.nodes.iter().zip(before) {
        let most = node.memory("VmHWM");
        assert!(most < before + GROWTH_MAX, "{before} bytes became {most}");
    }
    stream_is_worked_off(&trial, &redis).await;
    for node in &trial.nodes[2..] {
        trial.caller.metric_is(&node.internal, "carillon_ingest_lag_messages ", 0.0).await;
        trial.caller.metric_is(&node.internal, "carillon_ingest_pending_messages ", 0.0).await;
    }
    for node in trial.ends_well().await {
        node.has_told_of_trouble(1).await;
        node.stop().await;
    }
}
