//! What a worker may count on that publishes to the channel.

use adapter::RedisConfig;
use ingest::RedisSourceConfig;

use crate::{
    fleet::Cluster,
    harness::{Rig, message, redis_at, until},
};

async fn publish(rig: &Rig, task: &str, event: &str) {
    let json = message(task, event);
    rig.say(&format!("PUBLISH carillon:tasks '{json}'")).await;
}

#[tokio::test]
async fn three_replicas_take_each_message_once() {
    let mut rig = Rig::start().await;
    let replicas = [rig.replica("r1").await, rig.replica("r2").await, rig.replica("r3").await];
    rig.until_heard().await;
    for _ in 0..100 {
        publish(&rig, "t", "x.note").await;
    }
    rig.next_sorted(100).await;
    let counts = replicas.iter().map(|replica| replica.messages("channel", "published"));
    assert_eq!(counts.sum::<i64>(), 100);
    for replica in replicas {
        replica.stop().await;
    }
    assert!(!rig.has_more(), "one was taken twice");
}

#[tokio::test]
async fn when_the_leader_is_killed_another_listens() {
    let mut rig = Rig::start().await;
    let first = rig.replica("r1").await;
    rig.until_heard().await;
    let leader = rig.say("GET carillon:tasks:leader").await;
    let second = rig.replica("r2").await;
    drop(first);
    until("another leader", || async {
        let now = rig.say("GET carillon:tasks:leader").await;
        now != leader && !now.starts_with("$-1")
    })
    .await;
    until("its subscription", || async {
        publish(&rig, "t", "x.note").await;
        second.messages("channel", "published") > 0
    })
    .await;
    assert_eq!(rig.next().await, "- x.note");
    second.stop().await;
}

#[tokio::test]
async fn a_leader_that_stops_gives_the_channel_to_another() {
    let mut rig = Rig::start().await;
    let first = rig.replica("r1").await;
    rig.until_heard().await;
    publish(&rig, "a", "x.complete").await;
    first.stop().await;
    assert_eq!(rig.next().await, "a x.complete");
    assert!(rig.say("EXISTS carillon:tasks:leader").await.starts_with(":0"));
    let second = rig.replica("r2").await;
    rig.until_heard().await;
    publish(&rig, "b", "x.complete").await;
    assert_eq!(rig.next().await, "b x.complete");
    second.stop().await;
}

/// Which of a cluster's nodes somebody listens at.
async fn listeners(cluster: &Cluster) -> Vec<bool> {
    let mut listeners = Vec::new();
    for server in &cluster.nodes {
        listeners.push(server.say("PUBSUB NUMSUB carillon:tasks").await.contains(":1\r\n"));
    }
    listeners
}

#[tokio::test]
async fn in_a_cluster_the_leader_listens_where_the_lease_is_and_goes_along_with_it() {
    let rig = Rig::start().await;
    let cluster = Cluster::start().await;
    let redis = RedisConfig { url: cluster.url(), ..redis_at(&cluster.nodes[0]) };
    let replica = rig.replica_with(RedisSourceConfig { redis, ..rig.config("r1") }).await;
    let (from, slot) = cluster.holder("carillon:tasks:leader").await;
    let json = message("t", "x.note");
    for (count, at) in [(1, from), (2, (from + 1) % 3), (3, (from + 2) % 3)] {
        if count > 1 {
            cluster.move_slot(slot, (at + 2) % 3, at).await;
        }
        let there: Vec<_> = (0..3).map(|node| node == at).collect();
        until("one listener, where the lease is", || async { listeners(&cluster).await == there })
            .await;
        cluster.nodes[0].say(&format!("PUBLISH carillon:tasks '{json}'")).await;
        until("the message", || async { replica.messages("channel", "published") >= count }).await;
        assert_eq!(replica.messages("channel", "published"), count);
    }
    replica.stop().await;
    assert_eq!(listeners(&cluster).await, [false; 3]);
}

#[tokio::test]
async fn a_subscription_that_was_cut_is_restored() {
    let mut rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    rig.until_heard().await;
    rig.say("CLIENT KILL TYPE pubsub").await;
    rig.until_heard().await;
    publish(&rig, "a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
}

#[tokio::test]
async fn the_stamp_of_a_message_is_left_to_the_store() {
    let mut rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    rig.until_heard().await;
    publish(&rig, "a", "x.progress").await;
    assert_eq!(rig.next_stamp().await, None);
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_and_counted() {
    let rig = Rig::start().await;
    let mut config = rig.config("r1");
    config.channel_bytes_max = 10;
    let replica = rig.replica_with(config).await;
    rig.until_heard().await;
    publish(&rig, "a", "x.complete").await;
    until("counted", || async { replica.messages("channel", "dropped") == 1 }).await;
    replica.stop().await;
}

#[tokio::test]
async fn a_bad_message_of_the_channel_is_a_dead_letter() {
    let rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    rig.until_heard().await;
    rig.say("PUBLISH carillon:tasks nonsense").await;
    let dead = rig.dead(1).await;
    assert!(dead.contains("nonsense") && dead.contains("source\r\n$7\r\nchannel"), "{dead}");
}

#[tokio::test]
async fn a_letter_that_cannot_be_buried_is_let_go_and_counted() {
    let mut rig = Rig::start().await;
    let replica = rig.replica("r1").await;
    rig.until_heard().await;
    rig.say("SET carillon:dead theirs").await;
    rig.say("PUBLISH carillon:tasks nonsense").await;
    until("it is let go", || async { replica.messages("channel", "dropped") == 1 }).await;
    publish(&rig, "a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
    replica.stop().await;
}
