//! Orders that mean nothing: each is refused by the contract's error, and no socket is moved by it.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

use crate::harness::{Api, json_of};

const DEADLINE: Duration = Duration::from_secs(20);

/// What no call takes, beside what it needs.
fn bad_for_all() -> Vec<Value> {
    vec![
        json!({}),
        json!({ "user": null }),
        json!({ "user": "" }),
        json!({ "user": true }),
        json!({ "user": 5, "room": "a" }),
        json!({ "socket": 5 }),
        json!({ "socket": "" }),
        json!({ "room": "a\u{0}" }),
        json!({ "room": "r".repeat(1 << 20) }),
        json!({ "user": 5, "namespace": 5 }),
        json!({ "user": 5, "namespace": "" }),
        json!({ "user": 5, "namespace": "/nowhere" }),
        json!({ "user": 5, "scope": "universe" }),
    ]
}

/// Names of rooms that neither join nor leave takes.
fn bad_rooms() -> Vec<Value> {
    let many: Vec<_> = (0..10_000).map(|room| format!("r{room}")).collect();
    vec![
        Value::Null,
        json!("a"),
        json!([]),
        json!([""]),
        json!([null]),
        json!(["a", "b\u{7}"]),
        json!(["r".repeat(1 << 20)]),
        json!(many),
    ]
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// Each path with a body that it refuses.
fn bad() -> Vec<(&'static str, Value)> {
    let mut bad = Vec::new();
    for path in ["/v1/sockets/join", "/v1/sockets/leave"] {
        let all = bad_for_all().into_iter();
        bad.extend(all.map(|body| (path, with(body, "rooms", json!(["a"])))));
        let user = || json!({ "user": 5, "namespace": "/notice" });
        bad.push((path, user()));
        bad.extend(bad_rooms().into_iter().map(|rooms| (path, with(user(), "rooms", rooms))));
    }
    let path = "/v1/sockets/disconnect";
    bad.extend(bad_for_all().into_iter().map(|body| (path, body)));
    for (field, value) in
        [("close", json!("yes")), ("reason", json!(5)), ("reason", json!("r".repeat(1 << 20)))]
    {
        bad.push((path, with(json!({ "user": 5, "namespace": "/notice" }), field, value)));
    }
    bad
}

#[tokio::test]
async fn a_bad_order_is_refused_by_the_contracts_error_and_moves_nobody() {
    let api = Api::start().await;
    let page = format!("ws://{}/ws?namespace=/notice&user=5", api.node.public_addr().unwrap());
    let _page = tokio_tungstenite::connect_async(page).await.unwrap();
    let seated = async {
        while sockets(&api).await.as_array().unwrap().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, seated).await.expect("the page is seated");
    for (path, body) in bad() {
        let body = body.to_string();
        let shown: String = body.chars().take(100).collect();
        let answer = api.send(Method::POST, path, &[], body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path} {shown}");
        let told = json_of(&answer);
        let message = told["error"]["message"].as_str().unwrap_or_default();
        assert!((1..500).contains(&message.len()), "{path} {shown}: {told}");
    }
    let left = sockets(&api).await;
    assert_eq!((left.as_array().unwrap().len(), &left[0]["rooms"]), (1, &json!([])), "{left}");
    api.stop().await;
}

async fn sockets(api: &Api) -> Value {
    json_of(&api.get("/v1/sockets").await)["sockets"].clone()
}
