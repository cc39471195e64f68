//! What state a Redis is said to be in.

use adapter::RedisConfig;

use super::OverRedis;
use crate::{
    fleet::{Cluster, Watched},
    subject::Subject,
};

#[tokio::test]
async fn of_a_watched_primary_its_replica_and_its_sentinels_are_told() {
    let watched = Watched::start().await;
    let config = RedisConfig::new(watched.url("bus"), "condition", OverRedis::config());
    let condition = config.condition(true).await.unwrap();
    let [primary] = &*condition.primaries else { panic!("one: {condition:?}") };
    assert!(primary.replicas == 1 && primary.version.starts_with('7'), "{primary:?}");
    let [sentinel] = &*condition.sentinels else { panic!("one: {condition:?}") };
    assert!(sentinel.said.as_ref().unwrap().starts_with("OK"), "{sentinel:?}");
    assert!(condition.denied.is_empty() && condition.cluster.is_none(), "{condition:?}");
}

#[tokio::test]
async fn of_a_cluster_every_primary_and_its_slots_are_told() {
    let cluster = Cluster::start().await;
    let config = RedisConfig::new(cluster.url(), "condition", OverRedis::config());
    let condition = config.condition(true).await.unwrap();
    assert_eq!(condition.primaries.len(), cluster.nodes.len(), "{condition:?}");
    let slots = condition.cluster.as_ref().unwrap();
    assert!(slots.is_ok && slots.slots_ok == 16_384, "{slots:?}");
    assert!(condition.sentinels.is_empty() && condition.denied.is_empty(), "{condition:?}");
}
