//! Accepted means: so many replicas have it.

use std::{pin::pin, time::Duration};

use adapter::{Config, PublishError, Published, RedisConfig};
use notice::{Draft, Kind};
use tokio::time::timeout;

use super::{DEADLINE, OverRedis, Running};
use crate::{
    drafts::{audience, end, now, plain, room},
    server::Server,
    subject::{Node, Subject},
};

#[tokio::test]
async fn a_notice_is_accepted_once_a_replica_has_it_and_may_be_handed_in_again_until_then() {
    let primary = Server::start(&["--repl-diskless-sync-delay", "0"]).await;
    let replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port().to_string()]).await;
    replica.comes_to_say("INFO replication", "master_link_status:up").await;
    primary.comes_to_say("INFO replication", "state=online").await;
    let limits = Config { publish_wait: Duration::from_secs(2), ..OverRedis::config() };
    let limits = Config { ended_age: Duration::from_hours(1), ..limits };
    let config = RedisConfig::new(primary.url(), "carillon", limits);
    let bus = Running::start(RedisConfig { min_replicas_ack: 1, ..config }).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    node.accepted(end("copied", now(), "copied")).await;

    replica.say("REPLICAOF NO ONE").await;
    let drafts = vec![end("a", now(), "a"), end("b", now(), "b")];
    for result in node.link.publisher.publish_all(drafts).await {
        let error = result.expect_err("nobody else has it");
        assert!(error.is_transient());
        assert!(
            matches!(error, PublishError::Unreplicated { replicas: 0, replicas_min: 1, .. }),
            "{error}"
        );
    }
    let again = node.try_publish(end("a", now(), "a")).await;
    again.expect_err("that it is known does not make it copied");

    replica.say(&format!("REPLICAOF 127.0.0.1 {}", primary.port())).await;
    replica.comes_to_say("INFO replication", "master_link_status:up").await;
    primary.comes_to_say("INFO replication", "state=online").await;
    assert_eq!(node.publish(end("a", now(), "a")).await, Published::AfterFinal);
    assert_eq!(node.publish(end("b", now(), "b")).await, Published::AfterFinal);
    node.accepted(end("last", now(), "last")).await;
    assert_eq!(node.hear_texts(4).await, ["copied", "a", "b", "last"]);
}

/// A bus whose only Redis has no replica, and must have one.
async fn alone(limits: Config) -> (Server, Running) {
    let primary = Server::start(&["--repl-diskless-sync-delay", "0"]).await;
    let limits = Config { publish_wait: Duration::from_millis(400), ..limits };
    let config = RedisConfig::new(primary.url(), "carillon", limits);
    let bus = Running::start(RedisConfig { min_replicas_ack: 1, ..config }).await;
    (primary, bus)
}

fn is_uncopied(result: &Result<Published, PublishError>) -> bool {
    matches!(result, Err(PublishError::Unreplicated { replicas: 0, .. }))
}

/// Hands it in until the replica has it.
async fn number_at_last(node: &Node, draft: Draft) -> u64 {
    let trying = async {
        loop {
            let result = node.try_publish(draft.clone()).await;
            if !is_uncopied(&result) {
                let taken = result.expect("it is up");
                return taken.accepted().expect("it is of no task").0.position.seq;
            }
        }
    };
    timeout(DEADLINE, trying).await.expect("the replica follows")
}

#[tokio::test]
async fn what_nobody_keeps_is_accepted_without_a_replica_also_among_what_somebody_keeps() {
    let (_primary, bus) = alone(OverRedis::config()).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    node.accepted(plain(audience(), "plain")).await;
    let volatile = Draft { kind: Kind::Volatile, ..plain(audience(), "volatile") };
    let drafts = vec![volatile, end("copy", now(), "end"), plain(audience(), "last")];
    let results = node.link.publisher.publish_all(drafts).await;
    assert!(results[0].is_ok() && is_uncopied(&results[1]) && results[2].is_ok(), "{results:?}");
    assert_eq!(node.hear_texts(4).await, ["plain", "volatile", "end", "last"]);
}

#[tokio::test]
async fn what_is_kept_and_handed_in_again_and_again_until_a_replica_has_it_is_told_once() {
    let held = Some(Duration::from_mins(1));
    let (primary, bus) = alone(Config { seats_held: held, ..OverRedis::config() }).await;
    let mut node = bus.link().await;
    let audiences = [audience(), room("kept:1")];
    for audience in &audiences {
        node.enter(audience).await;
        // Two that are alike are two.
        let like = plain(audience.clone(), "kept");
        let drafts = vec![like.clone(), like];
        for _ in 0..3 {
            let results = node.link.publisher.publish_all(drafts.clone()).await;
            assert!(results.iter().all(is_uncopied), "{results:?}");
        }
        assert_eq!(node.hear_texts(2).await, ["kept", "kept"]);
    }
    let replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port().to_string()]).await;
    replica.comes_to_say("INFO replication", "master_link_status:up").await;
    primary.comes_to_say("INFO replication", "state=online").await;
    for audience in audiences {
        number_at_last(&node, plain(audience, "next")).await;
    }
    assert_eq!(node.hear_texts(2).await, ["next", "next"]);
}

#[tokio::test]
async fn what_was_kept_under_a_number_has_it_once_a_replica_has_it() {
    let held = Some(Duration::from_mins(1));
    let (primary, bus) = alone(Config { seats_held: held, ..OverRedis::config() }).await;
    let node = bus.link().await;
    let drafts = [plain(audience(), "first"), plain(room("kept:1"), "first")];
    for draft in &drafts {
        assert!(is_uncopied(&node.try_publish(draft.clone()).await));
    }
    let replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port().to_string()]).await;
    replica.comes_to_say("INFO replication", "master_link_status:up").await;
    primary.comes_to_say("INFO replication", "state=online").await;
    for draft in drafts {
        let audience = draft.audience.clone();
        assert_eq!(number_at_last(&node, draft).await, 1);
        assert_eq!(number_at_last(&node, plain(audience, "next")).await, 2);
    }
}

#[tokio::test]
async fn a_node_that_starts_waits_for_a_replica_that_its_primary_wants() {
    let wants = ["--min-replicas-to-write", "1", "--repl-diskless-sync-delay", "0"];
    let primary = Server::start(&wants).await;
    let bus =
        Running::start(RedisConfig::new(primary.url(), "carillon", OverRedis::config())).await;
    let mut linking = pin!(bus.link());
    let mut asked = Box::pin(primary.comes_to_say("INFO errorstats", "errorstat_NOREPLICAS"));
    tokio::select! {
        _node = linking.as_mut() => panic!("its primary takes nothing"),
        () = asked.as_mut() => {}
    }
    let _replica = Server::start(&["--replicaof", "127.0.0.1", &primary.port().to_string()]).await;
    let node = linking.await;
    node.accepted(end("first", now(), "first")).await;
}
