//! Emits that cannot be sent: each gets the contract's error, and nobody hears a thing.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Bus, Cluster};

const MALFORMED: StatusCode = StatusCode::BAD_REQUEST;
const INVALID: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const UNKNOWN: StatusCode = StatusCode::NOT_FOUND;
const TOO_LARGE: StatusCode = StatusCode::PAYLOAD_TOO_LARGE;

/// An emit that would do but for what `more` says.
fn but(more: &Value) -> String {
    let mut body = json!({ "namespace": "/notice", "event": "bad", "data": 1 });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body.to_string()
}

fn bad() -> Vec<(StatusCode, String)> {
    let rooms: Vec<_> = (0..10_000).map(|room| format!("r{room}")).collect();
    let long = "r".repeat(1 << 20);
    let invalid = [
        json!({ "event": null }),
        json!({ "event": "" }),
        json!({ "event": 5 }),
        json!({ "event": "e".repeat(257) }),
        json!({ "event": "reconnect_now" }),
        json!({ "namespace": "" }),
        json!({ "namespace": 5 }),
        json!({ "namespace": "/nowhere" }),
        json!({ "to": null }),
        json!({ "to": {} }),
        json!({ "to": [] }),
        json!({ "to": { "user": null } }),
        json!({ "to": { "user": "" } }),
        json!({ "to": { "user": "5", "room": "a" } }),
        json!({ "to": { "room": true } }),
        json!({ "to": { "room": long } }),
        json!({ "to": { "room": "a\u{7}b" } }),
        json!({ "to": { "rooms": [] } }),
        json!({ "to": { "rooms": rooms } }),
        json!({ "to": { "rooms": ["a", "b\n"] } }),
        json!({ "to": { "socket": {} } }),
        json!({ "except": null }),
        json!({ "except": "a" }),
        json!({ "except": { "rooms": rooms } }),
        json!({ "except": { "sockets": [""] } }),
        json!({ "args": [1] }),
        json!({ "data": null, "args": {} }),
        json!({ "binary": "yes" }),
        json!({ "binary": true, "data": { "$binary": "%" } }),
        json!({ "scope": "universe" }),
        json!({ "scope": 1 }),
        json!({ "volatile": 1 }),
        json!({ "volatile": true, "ack": {} }),
        json!({ "ack": true }),
        json!({ "ack": { "timeout": "2h" } }),
        json!({ "compress": true }),
    ];
    let mut bad: Vec<_> = invalid.iter().map(|more| (INVALID, but(more))).collect();
    bad.push((MALFORMED, String::new()));
    bad.push((MALFORMED, "{\"event\":\"bad\"".to_owned()));
    bad.push((MALFORMED, "event=bad".to_owned()));
    bad.push((UNKNOWN, but(&json!({ "to": { "socket": "nobody" } }))));
    bad.push((UNKNOWN, but(&json!({ "to": { "socket": "nobody" }, "scope": "local" }))));
    bad.push((TOO_LARGE, but(&json!({ "data": "x".repeat(256 * 1024) }))));
    bad.push((TOO_LARGE, but(&json!({ "data": "x".repeat(4 << 20) }))));
    bad
}

#[tokio::test]
async fn a_bad_emit_is_refused_by_the_contracts_error_and_nobody_hears_it() {
    let cluster = Cluster::of(2, Bus::Embedded).await;
    let query = "namespace=/notice&user=5&room=a";
    let mut pages = [cluster.page_with(0, query).await, cluster.page_with(1, query).await];
    for (status, body) in bad() {
        let shown: String = body.chars().take(120).collect();
        let (told, answer) = cluster.ask(0, Method::POST, "/v1/emit", &body).await;
        assert_eq!(told, status, "{shown}: {answer}");
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            error["code"].is_string() && (1..500).contains(&message.len()),
            "{shown}: {answer}"
        );
    }
    let marker = json!({ "namespace": "/notice", "event": "marker" });
    assert_eq!(cluster.post(0, "/v1/emit", &marker).await.0, StatusCode::OK);
    for page in &mut pages {
        assert!(page.heard_before("marker").await.is_empty());
    }
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_socket_that_reads_nothing_loses_what_is_volatile_and_gets_the_rest() {
    let cluster = Cluster::of(1, Bus::Embedded).await;
    let mut page = cluster.page(0).await;
    let body = |event: &str, data: &str, volatile: bool| json!({ "namespace": "/notice", "event": event, "data": data, "volatile": volatile });
    assert_eq!(cluster.post(0, "/v1/emit", &body("quiet", "", true)).await.0, StatusCode::OK);
    let large = "x".repeat(200_000);
    loop {
        let (_, listed) = cluster.ask(0, Method::GET, "/v1/sockets?user=5", "").await;
        if listed["sockets"][0]["queued_bytes"].as_u64().unwrap() > 0 {
            break;
        }
        cluster.post(0, "/v1/emit", &body("large", &large, false)).await;
    }
    cluster.post(0, "/v1/emit", &body("volatile", "", true)).await;
    cluster.metric_is(0, "carillon_dropped_total{reason=\"volatile\"} ", 1.0).await;
    cluster.post(0, "/v1/emit", &body("marker", "", false)).await;
    let mut heard = page.heard_before("marker").await;
    heard.dedup();
    assert_eq!(heard, ["quiet", "large"]);
    cluster.stop_all().await;
}
