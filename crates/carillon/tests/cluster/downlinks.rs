//! What older backends send, in their envelope.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
};

on_both_buses!(
    a_downlink_reaches_everyone_in_the_root_or_one_room_of_it,
    without_an_event_or_with_an_empty_room_nothing_is_sent,
);

const PATH: &str = "/v1/downlink";

fn envelope(body: &Value) -> Value {
    json!({ "ROOT": { "BODY": body } })
}

fn answer(code: &str, message: &str) -> Value {
    envelope(&json!({ "RETURN_CODE": code, "RETURN_MSG": message }))
}

/// The code and the text of an answer.
fn said(answer: &Value) -> (String, String) {
    let body = &answer["ROOT"]["BODY"];
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    (text("RETURN_CODE"), text("RETURN_MSG"))
}

async fn a_downlink_reaches_everyone_in_the_root_or_one_room_of_it(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut member = cluster.page_with(1, "namespace=/").await;
    member.say("loginRoom", &json!([456])).await;
    assert_eq!((member.code().await, member.code().await), ("2001".into(), "2002".into()));
    let mut other = cluster.page_with(0, "namespace=/").await;
    let sent = [
        json!({ "roomId": 456, "eventName": "room", "data": { "n": 1.0 } }),
        json!({ "roomId": null, "eventName": "all", "data": [1, "a"] }),
        json!({ "eventName": "nothing" }),
    ];
    for body in sent {
        let told = cluster.post(0, PATH, &envelope(&body)).await;
        assert_eq!(told, (StatusCode::OK, answer("0000", "ok")));
    }
    assert_eq!(member.event("room").await, json!({ "n": 1.0 }));
    assert_eq!(other.event("all").await, json!([1, "a"]));
    let last = other.next().await;
    assert_eq!((&last["event"], &last["args"]), (&json!("nothing"), &json!([null])));
    cluster.stop_all().await;
}

async fn without_an_event_or_with_an_empty_room_nothing_is_sent(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut page = cluster.page_with(1, "namespace=/").await;
    for body in [
        json!({ "roomId": "456", "data": 1 }),
        json!({ "eventName": "", "data": 1 }),
        json!({ "eventName": "disconnect" }),
        json!({ "eventName": "e", "roomId": "" }),
        json!({ "eventName": "e", "roomId": {} }),
        json!({ "eventName": "e", "roomId": "r".repeat(1 << 20) }),
        json!({ "eventName": "e", "data": "d".repeat(3 << 20) }),
        Value::Null,
    ] {
        let (status, answer) = cluster.post(0, PATH, &envelope(&body)).await;
        let (code, message) = said(&answer);
        assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "4000"), "{answer}");
        assert!((1..400).contains(&message.len()), "{message}");
    }
    let long = "x".repeat(9 << 20);
    let (status, answer) = cluster.ask(0, Method::POST, PATH, &long).await;
    let (code, message) = said(&answer);
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "4000"), "{answer}");
    assert!(message.contains("longer than 8388608 bytes"), "{message}");
    let (status, answer) = cluster.ask(0, Method::POST, PATH, "{").await;
    assert_eq!((status, said(&answer).0.as_str()), (StatusCode::BAD_REQUEST, "4000"));
    cluster.post(0, PATH, &envelope(&json!({ "eventName": "marker" }))).await;
    assert_eq!(page.heard_before("marker").await, ["downmsg"]);
    cluster.stop_all().await;
}

#[tokio::test]
async fn while_redis_is_away_a_downlink_is_answered_5030() {
    let mut cluster = Cluster::of(1, Bus::Redis).await;
    cluster.redis().stop();
    cluster.metric_is(0, "carillon_redis_up ", 0.0).await;
    let (status, answer) =
        cluster.post(0, PATH, &envelope(&json!({ "eventName": "e", "data": 1 }))).await;
    let (code, message) = said(&answer);
    assert_eq!((status, code.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "5030"));
    assert!(message.contains("nothing was sent"), "{message}");
    cluster.stop_all().await;
}

#[tokio::test]
async fn with_always_ok_only_the_counter_tells_what_was_not_sent() {
    let cluster = Cluster::set(1, Bus::Embedded, &[("downlink.always_ok", "true")]).await;
    let too_long = "x".repeat(9 << 20);
    for body in ["not even JSON", &too_long] {
        let told = cluster.ask(0, Method::POST, PATH, body).await;
        assert_eq!(told, (StatusCode::OK, answer("0000", "ok")));
    }
    cluster.metric_is(0, "carillon_downlinks_total{outcome=\"malformed\"} ", 2.0).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn the_public_port_takes_no_downlink() {
    let cluster = Cluster::of(1, Bus::Embedded).await;
    let body = envelope(&json!({ "eventName": "e", "data": 1 }));
    assert_eq!(cluster.post_public(0, PATH, &body).await, StatusCode::NOT_FOUND);
    cluster.stop_all().await;
}
