//! What a worker may count on that adds to the stream.

use std::time::Duration;

use bytes::Bytes;
use ingest::RedisFeed;

use crate::harness::{Rig, message, redis_at, until};

#[tokio::test]
async fn what_was_added_before_any_replica_ran_is_taken_in() {
    let mut rig = Rig::start().await;
    rig.add("a", "x.complete").await;
    let replica = rig.replica("r1").await;
    assert_eq!(rig.next().await, "a x.complete");
    rig.add("b", "x.complete").await;
    assert_eq!(rig.next().await, "b x.complete");
    until("counted", || async { replica.messages("stream", "published") == 2 }).await;
    replica.stop().await;
}

#[tokio::test]
async fn a_restarted_replica_takes_up_what_it_had_in_hand() {
    let mut rig = Rig::start().await;
    rig.add("a", "x.complete").await;
    rig.read_and_vanish("r1").await;
    rig.add("b", "x.complete").await;
    let _replica = rig.replica("r1").await;
    assert_eq!(rig.next_sorted(2).await, ["a x.complete", "b x.complete"]);
    rig.until_trimmed().await;
}

#[tokio::test]
async fn what_a_dead_replica_held_is_taken_over() {
    let mut rig = Rig::start().await;
    for task in 0..2_500 {
        rig.server
            .say(&format!(
                "XADD carillon:tasks * json '{}'",
                message(&task.to_string(), "x.complete")
            ))
            .await;
    }
    rig.read_and_vanish("dead").await;
    let mut config = rig.config("r1");
    config.claim_idle = Duration::from_millis(200);
    let _replica = rig.replica_with(config).await;
    rig.next_sorted(2_500).await;
    rig.until_trimmed().await;
}

#[tokio::test]
async fn what_a_living_replica_holds_is_not_taken_over() {
    let mut rig = Rig::start().await;
    rig.add("a", "x.note").await;
    rig.read_and_vanish("slow").await;
    let replica = rig.replica("r1").await;
    rig.add("b", "x.note").await;
    assert_eq!(rig.next().await, "- x.note");
    until("pending", || async { replica.metric("carillon_ingest_pending_messages") == 1 }).await;
    replica.stop().await;
    assert!(!rig.has_more());
}

#[tokio::test]
async fn two_replicas_take_each_message_once() {
    let mut rig = Rig::start().await;
    let replicas = [rig.replica("r1").await, rig.replica("r2").await];
    let feed = RedisFeed::connect(&redis_at(&rig.server)).await.unwrap();
    let messages: Vec<_> = (0..3_000).map(|_| Bytes::from(message("t", "x.note"))).collect();
    feed.push_all(&messages).await.unwrap();
    feed.close().await;
    rig.next_sorted(3_000).await;
    rig.until_trimmed().await;
    for replica in replicas {
        replica.stop().await;
    }
    assert!(!rig.has_more(), "one was taken twice");
}

#[tokio::test]
async fn a_late_publish_of_what_another_overtook_changes_nothing() {
    let mut rig = Rig::start().await;
    rig.add("t", "old.progress").await;
    rig.read_and_vanish("frozen").await;
    let replica = rig.replica("r1").await;
    rig.add("t", "new.progress").await;
    assert_eq!(rig.next().await, "t new.progress");
    replica.stop().await;
    let resumed = rig.replica("frozen").await;
    rig.until_trimmed().await;
    assert_eq!(resumed.messages("stream", "superseded"), 1);
    resumed.stop().await;
    assert!(!rig.has_more());
}

#[tokio::test]
async fn an_emit_goes_where_it_says() {
    let mut rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    let emit = r#"{"to":{"user":5},"namespace":"/notice","event":"hello","data":1}"#;
    rig.say(&format!("XADD carillon:tasks * emit '{emit}'")).await;
    assert_eq!(rig.next().await, "- hello");
    rig.say(&format!("XADD carillon:tasks * json '{{\"emit\":{emit}}}'")).await;
    assert_eq!(rig.next().await, "- hello");
}

#[tokio::test]
async fn what_another_group_still_needs_is_not_trimmed() {
    let mut rig = Rig::start().await;
    rig.say("XGROUP CREATE carillon:tasks other 0 MKSTREAM").await;
    let replica = rig.replica("r1").await;
    rig.add("a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
    replica.stop().await;
    assert_eq!(rig.say("XLEN carillon:tasks").await, ":1\r\n+OK\r\n");
}

#[tokio::test]
async fn the_gauges_show_what_waits_and_what_is_in_hand() {
    let rig = Rig::start().await;
    for task in ["a", "b", "c"] {
        rig.add(task, "x.complete").await;
    }
    rig.read_and_vanish("slow").await;
    let mut config = rig.config("r1");
    // It never reads, so what comes stays where it is.
    config.hand_len_max = 0;
    let replica = rig.replica_with(config).await;
    rig.add("d", "x.complete").await;
    rig.say("LPUSH carillon:tasks:list 1 2").await;
    until("the gauges", || async {
        replica.metric("carillon_ingest_pending_messages") == 3
            && replica.metric("carillon_ingest_lag_messages") == 3
    })
    .await;
    replica.stop().await;
}

#[tokio::test]
async fn only_a_consumer_that_holds_nothing_is_forgotten() {
    let rig = Rig::start().await;
    rig.add("a", "x.complete").await;
    rig.read_and_vanish("slow").await;
    rig.say("XGROUP CREATECONSUMER carillon:tasks carillon gone").await;
    let mut config = rig.config("r1");
    config.consumer_idle = Duration::from_millis(1);
    let replica = rig.replica_with(config).await;
    until("it is forgotten", || async {
        !rig.say("XINFO CONSUMERS carillon:tasks carillon").await.contains("gone")
    })
    .await;
    assert!(rig.say("XINFO CONSUMERS carillon:tasks carillon").await.contains("slow"));
    replica.stop().await;
}

#[tokio::test]
async fn of_quick_progress_the_newest_is_published_and_all_is_acknowledged() {
    let mut rig = Rig::start().await;
    let replica = rig.replica("r1").await;
    for step in 0..50 {
        rig.add("t", &format!("x{step}.progress")).await;
    }
    rig.add("t", "x.complete").await;
    let mut last = rig.next().await;
    while last != "t x.complete" {
        last = rig.next().await;
    }
    rig.until_trimmed().await;
    let counted = ["published", "superseded", "after_final"];
    let counts = counted.map(|outcome| replica.messages("stream", outcome));
    assert_eq!((counts.iter().sum::<i64>(), counts[2]), (51, 0), "{counts:?}");
    replica.stop().await;
    assert!(!rig.has_more(), "something followed the end");
}

#[tokio::test]
async fn on_a_cluster_nothing_leaves_its_slot() {
    let mut rig = Rig::start_as_cluster().await;
    let mut config = rig.config("r1");
    config.claim_idle = Duration::from_millis(100);
    rig.add("a", "x.complete").await;
    rig.read_and_vanish("dead").await;
    let replica = rig.replica_with(config).await;
    assert_eq!(rig.next().await, "a x.complete");
    rig.say("XADD carillon:tasks * json 7").await;
    rig.dead(1).await;
    rig.say(&format!("LPUSH carillon:tasks:list '{}'", message("b", "x.complete"))).await;
    assert_eq!(rig.next().await, "b x.complete");
    rig.until_heard().await;
    rig.say(&format!("PUBLISH carillon:tasks '{}'", message("c", "x.complete"))).await;
    assert_eq!(rig.next().await, "c x.complete");
    rig.until_trimmed().await;
    replica.stop().await;
}
