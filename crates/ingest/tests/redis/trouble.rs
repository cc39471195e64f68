//! What is done with what nobody can use, and when Redis is not what it was.

use std::time::Duration;

use adapter::{Arrival, Config, Embedded};
use ingest::SourceError;
use notice::{Audience, NodeId, UserId};
use prometheus::Registry;
use tokio::time::timeout;

use crate::{
    harness::{DEADLINE, Replica, Rig, config, message, redis_at, until},
    server::Server,
};

#[tokio::test]
async fn an_entry_that_ended_five_consumers_is_a_dead_letter() {
    let mut rig = Rig::start().await;
    rig.add("a", "x.complete").await;
    rig.read_and_vanish("dead").await;
    let pending = rig.say("XPENDING carillon:tasks carillon - + 1").await;
    let id = pending.split("\r\n").find(|line| line.contains('-')).unwrap().to_owned();
    for _ in 0..4 {
        rig.say(&format!("XCLAIM carillon:tasks carillon dead 0 {id}")).await;
    }
    let mut config = rig.config("r1");
    config.claim_idle = Duration::from_millis(100);
    let replica = rig.replica_with(config).await;
    let dead = rig.dead(1).await;
    for part in ["reason\r\n$5\r\ntries", "tries\r\n$1\r\n5", "source\r\n$6\r\nstream", &id] {
        assert!(dead.contains(part), "{part:?} in {dead}");
    }
    rig.until_trimmed().await;
    assert_eq!(replica.metric(r#"carillon_dead_letters_total{reason="tries"}"#), 1);
    replica.stop().await;
    assert!(!rig.has_more());
}

#[tokio::test]
async fn an_entry_without_json_is_a_dead_letter_and_the_road_stays_open() {
    let mut rig = Rig::start().await;
    let replica = rig.replica("r1").await;
    rig.say("XADD carillon:tasks * jason '{}' other 7").await;
    rig.say("XADD carillon:tasks * json '{\"identity\":'").await;
    rig.add("a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
    let dead = rig.dead(2).await;
    for part in ["no_json", r#"{"jason":"{}","other":"7"}"#, "expected one named json", "broken"] {
        assert!(dead.contains(part), "{part:?} in {dead}");
    }
    rig.until_trimmed().await;
    assert_eq!(replica.messages("stream", "rejected"), 2);
    replica.stop().await;
}

#[tokio::test]
async fn a_key_of_the_wrong_type_is_refused_by_name() {
    let rig = Rig::start().await;
    for key in ["carillon:tasks", "carillon:tasks:list", "carillon:dead"] {
        rig.say(&format!("SET {key} 1")).await;
        let Err(error) = rig.try_replica(rig.config("r1")).await else { panic!("{key} was taken") };
        assert!(matches!(error, SourceError::WrongType { .. }), "{error}");
        assert!(error.to_string().contains(&format!("open {key}: it is a string")), "{error}");
        rig.say(&format!("DEL {key}")).await;
    }
}

#[tokio::test]
async fn a_stream_that_becomes_another_key_is_waited_for() {
    let mut rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    rig.add("a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
    rig.say("SET carillon:tasks 1").await;
    rig.say("DEL carillon:tasks").await;
    rig.add("b", "x.complete").await;
    assert_eq!(rig.next().await, "b x.complete");
}

#[tokio::test]
async fn dead_letters_wait_in_the_stream_until_they_can_be_written() {
    let mut rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    rig.say("SET carillon:dead 1").await;
    rig.say("XADD carillon:tasks * json 7").await;
    rig.add("a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
    until("only the bad one is pending", || async {
        rig.say("XPENDING carillon:tasks carillon").await.starts_with("*4\r\n:1\r\n")
    })
    .await;
    rig.say("DEL carillon:dead").await;
    rig.dead(1).await;
    rig.until_trimmed().await;
}

#[tokio::test]
async fn what_comes_after_redis_was_emptied_is_taken_in() {
    let mut rig = Rig::start().await;
    let replicas = [rig.replica("r1").await, rig.replica("r2").await];
    rig.add("a", "x.note").await;
    assert_eq!(rig.next().await, "- x.note");
    rig.say("FLUSHALL").await;
    for _ in 0..10 {
        rig.add("b", "x.note").await;
        assert_eq!(rig.next().await, "- x.note");
    }
    rig.say("LPUSH carillon:tasks:list '{\"identity\":\"l\",\"userIdentity\":5,\"event\":\"l.complete\"}'").await;
    assert_eq!(rig.next().await, "l l.complete");
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn what_is_added_while_redis_restarts_is_taken_in_afterwards() {
    let mut rig = Rig::start().await;
    let replica = rig.replica("r1").await;
    rig.add("a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
    rig.server.stop();
    rig.server.start_again().await;
    rig.add("b", "x.complete").await;
    rig.say("LPUSH carillon:tasks:list '{\"identity\":\"l\",\"userIdentity\":5,\"event\":\"l.complete\"}'").await;
    assert_eq!(rig.next_sorted(2).await, ["b x.complete", "l l.complete"]);
    rig.until_heard().await;
    replica.stop().await;
}

#[tokio::test]
async fn a_stop_leaves_nothing_unacknowledged_and_no_lease() {
    let mut rig = Rig::start().await;
    let replica = rig.replica("r1").await;
    for task in 0..200 {
        rig.add(&task.to_string(), "x.complete").await;
    }
    assert!(rig.next().await.ends_with("x.complete"));
    replica.stop().await;
    assert!(rig.say("XPENDING carillon:tasks carillon").await.starts_with("*4\r\n:0"));
    let keys = rig.say("KEYS carillon:*tasks*").await;
    assert!(!keys.contains("lease") && !keys.contains("leader"), "{keys}");
}

#[tokio::test]
async fn what_the_bus_does_not_take_is_kept_tried_again_and_never_dead() {
    let server = Server::start(&[]).await;
    // A bus that takes one notice and no more until it was read.
    let bus = Config {
        inbox_len_max: 1,
        publish_wait: Duration::from_millis(5),
        ..redis_at(&server).bus
    };
    let mut link = Embedded::new(bus, &Registry::new()).unwrap().link(NodeId::new("n1").unwrap());
    let user = UserId::new("5").unwrap();
    link.interest.enter(&Audience::tasks_of(user)).await.unwrap();
    for task in ["a", "b", "c"] {
        let json = message(task, "x.complete");
        server.say(&format!("XADD carillon:tasks * json '{json}'")).await;
    }
    let mut replicas = Vec::new();
    for consumer in ["r1", "r2"] {
        let mut config = config(&server, consumer);
        (config.claim_idle, config.tries_max) = (Duration::from_millis(150), 2);
        replicas.push(Replica::over(link.publisher.clone(), config).await.unwrap());
    }
    until("many tries", || async {
        let not_taken = replicas.iter().map(|replica| replica.messages("stream", "not_taken"));
        not_taken.sum::<i64>() > 30
    })
    .await;
    for task in ["a", "b", "c"] {
        let arrived = timeout(DEADLINE, link.inbox.next()).await.unwrap();
        let Some(Arrival::Notice(notice)) = arrived else { panic!("no notice") };
        assert_eq!(&*notice.draft.kind.task().unwrap().identity, task);
    }
    until("all acknowledged", || async {
        server.say("XPENDING carillon:tasks carillon").await.starts_with("*4\r\n:0")
    })
    .await;
    assert!(server.say("EXISTS carillon:dead").await.starts_with(":0"));
}
