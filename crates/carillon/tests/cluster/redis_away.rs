//! Redis goes and comes back under a running cluster.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Bus, Cluster};

const UP: &str = "carillon_redis_up ";

#[tokio::test]
async fn while_redis_is_away_local_emits_go_on_and_publishing_says_503_and_readiness_stays() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    let mut page = cluster.page(0).await;
    cluster.redis().stop();
    cluster.metric_is(0, UP, 0.0).await;
    assert!(!cluster.end(0, "a").await);
    let emit = json!({
        "to": { "user": 5 }, "namespace": "/notice", "event": "flash", "data": 1, "scope": "local",
    });
    assert_eq!(cluster.post(0, "/v1/emit", &emit).await.0, StatusCode::OK);
    assert_eq!(page.event("flash").await, json!(1));
    let emit = json!({ "to": { "user": 5 }, "event": "flash", "data": 1 });
    let (status, answer) = cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(cluster.ask(0, Method::GET, "/readyz", "").await.0, StatusCode::OK);
    cluster.stop_all().await;
}

#[tokio::test]
async fn when_redis_is_back_the_same_pages_hear_again_what_any_node_accepts() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    let mut page = cluster.page(1).await;
    cluster.redis().stop();
    cluster.metric_is(0, UP, 0.0).await;
    cluster.redis().start_again().await;
    let mut accepted = BTreeSet::new();
    while accepted.is_empty() {
        if cluster.end(0, "a").await {
            accepted.insert("a".to_owned());
        }
    }
    page.ends_of(accepted).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn an_emit_that_redis_does_not_answer_is_told_to_be_unsure() {
    let mut cluster = Cluster::of(1, Bus::Redis).await;
    cluster.redis().say("CLIENT PAUSE 8000 WRITE").await;
    let emit = json!({ "event": "flash", "data": 1 });
    let (status, answer) = cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(answer["error"]["code"], json!("unsure"), "{answer}");
    cluster.redis().say("CLIENT UNPAUSE").await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_node_counts_the_nodes_it_sees_its_calls_to_redis_and_the_connections_it_makes_anew() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    cluster.metric_is(0, "carillon_cluster_nodes ", 2.0).await;
    cluster.metric_is(1, "carillon_cluster_nodes ", 2.0).await;
    assert!(cluster.end(0, "a").await);
    let published = "carillon_redis_call_seconds_count{call=\"publish\"} ";
    cluster.metric_is(0, published, 1.0).await;
    for command in ["CLIENT KILL TYPE normal", "CLIENT KILL TYPE pubsub"] {
        cluster.redis().say(command).await;
    }
    for connection in ["asks", "hears", "nodes"] {
        let series = format!("carillon_redis_reconnects_total{{connection=\"{connection}\"}} ");
        cluster.metric_is(1, &series, 1.0).await;
    }
    cluster.stop_all().await;
}
