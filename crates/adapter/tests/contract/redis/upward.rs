//! What clients say, while Redis has trouble.

use std::time::Duration;

use adapter::{Config, RedisConfig, Share, UplinkError};
use fred::{
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value},
};
use tokio::time::timeout;

use super::{DEADLINE, OverRedis, Running};
use crate::{
    server::Server,
    subject::Subject,
    uplink::{Fields, event, kept},
};

/// All that is in the stream.
pub(super) async fn uplinked(config: RedisConfig) -> Vec<Fields> {
    let key = format!("{}:uplink", config.prefix);
    let client = config.open().await.expect("Redis takes one more connection");
    let command = CustomCommand::new_static("XRANGE", ClusterHash::FirstKey, false);
    let args: Vec<Value> = vec![key.into(), "-".into(), "+".into()];
    let entries: Value = client.custom(command, args).await.expect("it is a stream");
    client.quit().await.expect("it is connected");
    entries.into_array().into_iter().map(fields).collect()
}

fn fields(entry: Value) -> Fields {
    let words = entry.into_array().pop().expect("an entry is an id and its fields").into_array();
    let mut words = words.into_iter().map(|word| word.as_string().expect("it is text"));
    let mut fields = Vec::new();
    while let Some(name) = words.next() {
        fields.push((name, words.next().expect("each field has a value")));
    }
    fields
}

#[tokio::test]
async fn a_redis_that_hangs_costs_an_entry_the_wait_and_the_next_none() {
    let limits = Config { publish_wait: Duration::from_millis(500), ..OverRedis::config() };
    let (bus, node) = OverRedis::one_with(limits).await;
    let share = Share::default();
    let hand = || node.try_hand(&event("[1]"), &share);
    kept(hand().expect("there is room")).await.expect("it is kept");
    bus.server.say("CLIENT PAUSE 3000 ALL").await;
    let error = kept(hand().expect("there is room")).await.expect_err("nobody answers");
    assert!(matches!(error, UplinkError::Unreachable), "{error}");
    bus.running.comes_to_count("carillon_redis_up 0").await;
    let error = hand().map(drop).expect_err("it is known to be away");
    assert!(matches!(error, UplinkError::Unreachable), "{error}");
    bus.running.comes_to_count("carillon_redis_up 1").await;
    let again = async { while kept(hand().expect("there is room")).await.is_err() {} };
    timeout(DEADLINE, again).await.expect("it is kept again");
}

#[tokio::test]
async fn a_stop_leaves_nothing_behind_that_was_handed_in() {
    let (bus, node) = OverRedis::one().await;
    let share = Share::default();
    let receipts: Vec<_> =
        (0..1_500).map(|n| node.try_hand(&event(&format!("[{n}]")), &share)).collect();
    let OverRedis { running, server } = bus;
    drop(running.stop);
    running.tasks.join_all().await;
    for receipt in receipts {
        kept(receipt.expect("there is room")).await.expect("it is kept");
    }
    let config = RedisConfig::new(server.url(), "carillon", OverRedis::config());
    assert_eq!(uplinked(config).await.len(), 1_500);
    let error = node.try_hand(&event("[]"), &share).map(drop).expect_err("it has left");
    assert!(matches!(error, UplinkError::Gone), "{error}");
}

#[tokio::test]
async fn an_entry_is_kept_once_a_replica_has_it() {
    let primary = Server::start(&["--repl-diskless-sync-delay", "0"]).await;
    let replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port().to_string()]).await;
    replica.comes_to_say("INFO replication", "master_link_status:up").await;
    primary.comes_to_say("INFO replication", "state=online").await;
    let limits = Config { publish_wait: Duration::from_secs(2), ..OverRedis::config() };
    let config = RedisConfig::new(primary.url(), "carillon", limits);
    let bus = Running::start(RedisConfig { min_replicas_ack: 1, ..config }).await;
    let node = bus.link().await;
    let hand = || node.try_hand(&event("[]"), &Share::default()).expect("there is room");
    kept(hand()).await.expect("both have it");
    replica.say("REPLICAOF NO ONE").await;
    let error = kept(hand()).await.expect_err("nobody else has it");
    let alone = UplinkError::Unreplicated { replicas: 0, replicas_min: 1 };
    assert_eq!(error.to_string(), alone.to_string());
    assert!(bus.metrics().contains("outcome=\"unreplicated\"} 1"), "{}", bus.metrics());
}

#[tokio::test]
async fn the_stream_keeps_the_newest_hundred_thousand_nearly() {
    let (bus, node) = OverRedis::one().await;
    bus.server
        .say("EVAL \"for i=1,100300 do redis.call('XADD','carillon:uplink','*','a','b') end\" 0")
        .await;
    kept(node.try_hand(&event("[]"), &Share::default()).expect("there is room"))
        .await
        .expect("kept");
    let len = bus.server.say("XLEN carillon:uplink").await;
    let len: u32 = len.lines().next().and_then(|line| line[1..].parse().ok()).expect("a number");
    assert!((100_000..100_200).contains(&len), "{len}");
}

#[tokio::test]
async fn a_key_of_another_type_is_said_to_be_in_the_way() {
    let (bus, node) = OverRedis::one().await;
    bus.server.say("SET carillon:uplink mine").await;
    let receipt = node.try_hand(&event("[]"), &Share::default()).expect("there is room");
    let error = kept(receipt).await.expect_err("it is no stream");
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
}
