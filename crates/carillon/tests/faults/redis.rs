//! Trouble with one Redis.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use crate::{detour::Detour, process::Process, server::Server, trial::Trial};

/// A Redis that has after a restart what it acknowledged before.
pub(crate) const LASTING: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// How long Redis is away, in the suite.
pub(crate) const OUTAGE: Duration = Duration::from_secs(1);

async fn trial_on(redis: &Server, nodes: usize) -> Trial {
    trial_by(&redis.url(), nodes).await
}

pub(crate) async fn trial_by(url: &str, nodes: usize) -> Trial {
    let mut processes = Vec::new();
    for _ in 0..nodes {
        processes.push(Process::start(&[("redis.url", url)]).await);
    }
    Trial::of(processes).await
}

#[tokio::test]
async fn a_redis_that_stops_and_starts_again_costs_no_end_and_no_socket() {
    outage_of(OUTAGE).await;
}

pub(crate) async fn outage_of(time: Duration) {
    let mut redis = Server::start(&LASTING).await;
    let trial = trial_on(&redis, 2).await;
    trial.accept(50).await;
    redis.stop();
    trial.refuse().await;
    for node in 0..2 {
        trial.nodes[node].has_said("redis does not answer").await;
        trial.local_emit_arrives(node).await;
    }
    sleep(time).await;
    redis.start_again().await;
    trial.accept(50).await;
    let nodes = trial.ends_well().await;
    for node in nodes {
        assert_eq!(node.said("redis does not answer"), 1);
        node.has_told_of_trouble(1).await;
        node.stop().await;
    }
}

#[tokio::test]
async fn subscribers_that_redis_puts_out_come_back_and_miss_nothing() {
    let redis = Server::start(&[]).await;
    let trial = trial_on(&redis, 2).await;
    for _ in 0..5 {
        trial.accept(40).await;
        redis.say("CLIENT KILL TYPE pubsub").await;
    }
    trial.accept(50).await;
    for node in trial.ends_well().await {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_that_is_killed_costs_the_others_nothing() {
    let redis = Server::start(&[]).await;
    let mut trial = trial_on(&redis, 3).await;
    trial.accept(50).await;
    trial.lose(0).await;
    trial.accept(50).await;
    for node in trial.ends_well().await {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_far_redis_costs_time_and_nothing_else() {
    let redis = Server::start(&[]).await;
    let detour = Detour::to(redis.port(), Duration::from_millis(100)).await;
    let trial = trial_by(&detour.url(), 2).await;
    trial.accept(30).await;
    trial.local_emit_arrives(0).await;
    for node in trial.ends_well().await {
        assert_eq!(node.said("redis does not answer"), 0);
        node.stop().await;
    }
}

#[tokio::test]
async fn a_subscriber_cut_off_for_reading_too_slowly_reads_what_it_missed() {
    let redis = Server::start(&[]).await;
    redis.say("CONFIG SET client-output-buffer-limit \"pubsub 65536 0 0\"").await;
    let trial = trial_on(&redis, 2).await;
    trial.accept(20).await;
    trial.nodes[1].signal(Signal::STOP);
    let subscribers = async || redis.say("CLIENT LIST TYPE pubsub").await.matches("id=").count();
    let before = subscribers().await;
    let cut_off = async {
        while subscribers().await == before {
            // Kept nowhere; more of it than what the system keeps for a connection.
            trial.emit(0, &"x".repeat(200 * 1024)).await;
        }
    };
    timeout(Duration::from_secs(20), cut_off).await.expect("Redis cuts off who does not read");
    trial.nodes[1].signal(Signal::CONT);
    trial.accept(20).await;
    for node in trial.ends_well().await {
        node.stop().await;
    }
}
