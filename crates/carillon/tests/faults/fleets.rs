//! Trouble in a group of Redis servers: a primary that dies, a slot that moves.

use crate::{
    fleet::{Cluster, Watched},
    process::Process,
    redis::trial_by,
    trial::{Trial, end_of},
};

#[tokio::test]
async fn a_primary_that_dies_under_its_sentinel_costs_no_end_that_a_replica_confirmed() {
    let mut watched = Watched::start().await;
    let url = watched.url("bus");
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let settings = [("redis.url", url.as_str()), ("redis.min_replicas_ack", "1")];
        nodes.push(Process::start(&settings).await);
    }
    let trial = Trial::of(nodes).await;
    trial.accept(50).await;
    watched.primary.stop();
    trial.refuse().await;
    trial.local_emit_arrives(0).await;
    watched.replica.comes_to_say("INFO replication", "role:master").await;
    // As the sentinel would make it, some seconds later: a replica, without which nothing is accepted.
    watched.primary.start_again().await;
    let follow = format!("REPLICAOF 127.0.0.1 {}", watched.replica.port());
    watched.primary.say(&follow).await;
    trial.accept(50).await;
    for node in trial.ends_well().await {
        node.has_told_of_trouble(2).await;
        node.stop().await;
    }
}

#[tokio::test]
async fn the_queues_of_a_cluster_are_read_on_whichever_primary_they_are() {
    let cluster = Cluster::start().await;
    let url = cluster.url();
    let node = Process::start(&[("redis.url", url.as_str())]).await;
    let mut trial = Trial::without_workers(vec![node]).await;
    let (queue, _) = cluster.holder("carillon:tasks").await;
    trial.write(&cluster.nodes[queue], 300, 1);
    let (queue, _) = cluster.holder("carillon:tasks:list").await;
    let listed = end_of("listed");
    cluster.nodes[queue].say(&format!("LPUSH carillon:tasks:list '{listed}'")).await;
    trial.work.accepted.lock().insert("listed".to_owned());
    for node in trial.ends_well().await {
        node.has_told_of_trouble(0).await;
        node.stop().await;
    }
}

#[tokio::test]
async fn a_slot_that_moves_under_load_costs_no_end() {
    let cluster = Cluster::start().await;
    let mut trial = trial_by(&cluster.url(), 2).await;
    trial.accept(50).await;
    let (queue, _) = cluster.holder("carillon:tasks").await;
    trial.write(&cluster.nodes[queue], 500, 1);
    let (holder, slot) = cluster.holder("carillon:{user:5@/notice}:log").await;
    let mut from = holder;
    for _ in 0..3 {
        let to = (from + 1) % 3;
        cluster.move_slot(slot, from, to).await;
        trial.accept(50).await;
        from = to;
    }
    trial.local_emit_arrives(1).await;
    for node in trial.ends_well().await {
        assert_eq!(node.said("redis does not answer"), 0);
        // Once for each move, at most.
        node.has_told_of_trouble(3).await;
        node.stop().await;
    }
}

#[tokio::test]
async fn a_queue_that_moves_is_read_at_its_new_place() {
    let cluster = Cluster::start().await;
    let mut trial = trial_by(&cluster.url(), 2).await;
    let (from, slot) = cluster.holder("carillon:tasks").await;
    let to = (from + 1) % 3;
    trial.write(&cluster.nodes[from], 500, 1);
    trial.until_written().await;
    cluster.move_slot(slot, from, to).await;
    trial.write(&cluster.nodes[to], 500, 1);
    trial.accept(50).await;
    for node in trial.ends_well().await {
        assert_eq!(node.said("redis does not answer"), 0);
        node.has_told_of_trouble(1).await;
        node.stop().await;
    }
}
