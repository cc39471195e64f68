//! Accepted means: so many replicas have it.

use std::{pin::pin, time::Duration};

use adapter::{Config, PublishError, Published, RedisConfig};

use super::{OverRedis, Running};
use crate::{
    drafts::{audience, end, now},
    server::Server,
    subject::Subject,
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
