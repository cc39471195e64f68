//! Fan-outs that take longer than a turn: what their members hear, while others go between.

use http::StatusCode;
use serde_json::json;

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
};

on_both_buses!(a_crowd_hears_all_in_order_and_once_though_it_is_told_in_turns);

/// Several parts, and more than one turn has time for.
const CROWD: usize = 300;
const EMITS: usize = 40;

async fn a_crowd_hears_all_in_order_and_once_though_it_is_told_in_turns(bus: Bus) {
    let cluster = Cluster::of(1, bus).await;
    let mut crowd = Vec::with_capacity(CROWD);
    for number in 0..CROWD {
        let query = format!("namespace=/notice&user={number}&room=crowd");
        crowd.push(cluster.page_with(0, &query).await);
    }
    for n in 0..EMITS {
        // Some go with what is under way, some are too large for that and wait behind it.
        let filling = "x".repeat(if n % 7 == 3 { 100_000 } else { 10 });
        let emit = json!({
            "to": { "room": "crowd" }, "namespace": "/notice", "event": "told",
            "data": { "n": n, "filling": filling },
        });
        let (status, _) = cluster.post(0, "/v1/emit", &emit).await;
        assert_eq!(status, StatusCode::OK);
    }
    for page in &mut crowd {
        for n in 0..EMITS {
            assert_eq!(page.event("told").await["n"], json!(n));
        }
    }
    let in_turns = cluster.metric(0, r#"carillon_fan_outs_total{outcome="in_turns"}"#).await;
    assert!(in_turns.is_some_and(|fan_outs| fan_outs > 0.0), "{in_turns:?}");
    cluster.stop_all().await;
}
