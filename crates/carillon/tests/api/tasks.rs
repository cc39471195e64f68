//! What whoever hands in messages by HTTP may count on, and what the internal port says of itself.

use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    harness::{Api, json_of},
    server::Server,
};

fn message(identity: &str, status: i32) -> String {
    json!({ "identity": identity, "userIdentity": 5, "status": status }).to_string()
}

fn counts(body: &Value) -> [u64; 3] {
    ["accepted", "superseded", "after_final"].map(|name| body[name].as_u64().unwrap())
}

#[tokio::test]
async fn one_message_an_array_and_lines_are_all_taken() {
    let api = Api::start().await;
    let (a, b) = (message("a", 100), message("b", 1000));
    for (body, accepted) in
        [(a.clone(), 1), (format!("[{a},{b}]"), 2), (format!("{a}\n\n{b}\n"), 2)]
    {
        let (status, answer) = api.post(body).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        assert_eq!(answer["accepted"], accepted);
        assert_eq!(answer["rejected"], json!([]));
    }
    api.stop().await;
}

#[tokio::test]
async fn the_samples_of_a_real_worker_are_taken() {
    let api = Api::start().await;
    for sample in [
        &include_bytes!("../../../notice/samples/progress.json")[..],
        include_bytes!("../../../notice/samples/complete.json"),
        include_bytes!("../../../notice/samples/error.json"),
        include_bytes!("../../../notice/samples/cancel.json"),
    ] {
        let (status, answer) = api.post(sample).await;
        assert_eq!((status, counts(&answer)), (StatusCode::ACCEPTED, [1, 0, 0]));
    }
    api.stop().await;
}

#[tokio::test]
async fn progress_left_behind_and_progress_after_the_end_are_counted_as_such() {
    let api = Api::start().await;
    let (progress, end) = (message("a", 100), message("a", 1000));
    let (_, answer) = api.post(format!("{progress}\n{progress}\n{progress}")).await;
    assert_eq!(counts(&answer), [3, 2, 0]);
    let (_, answer) = api.post(end).await;
    assert_eq!(counts(&answer), [1, 0, 0]);
    let (status, answer) = api.post(progress).await;
    assert_eq!((status, counts(&answer)), (StatusCode::ACCEPTED, [1, 0, 1]));
    api.stop().await;
}

/// Each is refused with 400, a word about what was wrong, and a count; the next good one is taken.
#[tokio::test]
async fn every_bad_message_is_refused_with_its_reason_and_the_road_stays_open() {
    let api = Api::start().await;
    let large =
        json!({ "identity": "a", "userIdentity": 5, "status": 100, "x": "y".repeat(257 * 1024) });
    let bad = [
        ("broken JSON", "{\"identity\":".to_owned(), "JSON"),
        ("no object", "7".to_owned(), "object"),
        ("no identity", r#"{"userIdentity":5,"status":100}"#.to_owned(), "identity"),
        (
            "identity is a number",
            r#"{"identity":1,"userIdentity":5,"status":100}"#.to_owned(),
            "identity",
        ),
        ("no user", r#"{"identity":"a","status":100}"#.to_owned(), "userIdentity"),
        (
            "user is a list",
            r#"{"identity":"a","userIdentity":[5],"status":100}"#.to_owned(),
            "userIdentity",
        ),
        ("257 KiB", large.to_string(), "bytes"),
        ("unknown status", message("a", 4711), "event"),
        (
            "reserved event",
            r#"{"identity":"a","userIdentity":5,"event":"disconnect"}"#.to_owned(),
            "reserved",
        ),
    ];
    let refused = u32::try_from(bad.len()).unwrap();
    for (what, body, word) in &bad {
        let (status, answer) = api.post(body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{what}");
        assert_eq!(answer["rejected"][0]["index"], 0, "{what}: {answer}");
        let told = answer["error"]["message"].as_str().unwrap();
        assert!(told.contains(word), "{what}: {told}");
        assert!(answer["error"]["hint"].is_string(), "{what}");
    }
    let series = "carillon_ingest_messages_total{outcome=\"rejected\",source=\"http\"}";
    assert!((api.metric(series).await - f64::from(refused)).abs() < 0.5);
    let (status, _) = api.post(message("a", 100)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    api.stop().await;
}

#[tokio::test]
async fn one_bad_line_among_good_ones_is_refused_alone() {
    let api = Api::start().await;
    let body = format!("{}\n{{broken\n{}\n", message("a", 100), message("b", 100));
    let (status, answer) = api.post(body).await;
    assert_eq!((status, counts(&answer)), (StatusCode::ACCEPTED, [2, 0, 0]));
    assert_eq!(answer["rejected"][0]["index"], 1);
    assert!(answer["rejected"][0]["error"].is_string());
    assert_eq!(answer["rejected"].as_array().unwrap().len(), 1);
    api.stop().await;
}

#[tokio::test]
async fn a_body_that_holds_no_message_is_refused() {
    let api = Api::start().await;
    for empty in ["", " \n", "[]", "[{},"] {
        let (status, answer) = api.post(empty).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{empty:?}");
        assert!(answer["error"]["code"].is_string(), "{empty:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn too_much_at_once_is_answered_with_413() {
    let api = Api::start().await;
    let many = vec![message("a", 100); 10_001];
    for body in [many.join("\n"), format!("[{}]", many.join(",")), " ".repeat(9 * 1024 * 1024)] {
        let (status, answer) = api.post(body).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer["error"]["code"], "too_large");
    }
    let (status, answer) = api.post(vec![message("a", 100); 10_000].join("\n")).await;
    assert_eq!((status, counts(&answer)), (StatusCode::ACCEPTED, [10_000, 9_999, 0]));
    api.stop().await;
}

#[tokio::test]
async fn health_and_metrics_answer_in_their_exact_forms() {
    let api = Api::start().await;
    assert_eq!(api.get("/livez").await.status(), StatusCode::OK);
    let ready = api.get("/readyz").await;
    assert_eq!((ready.status(), json_of(&ready)), (StatusCode::OK, json!({ "ready": true })));
    let metrics = api.get("/metrics").await;
    let content_type = &metrics.headers()[header::CONTENT_TYPE];
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    let info = format!("carillon_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert!((api.metric(&info).await - 1.0).abs() < 0.5);
    api.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_as_json() {
    let api = Api::start().await;
    let unknown = api.get("/v1/nothing").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(json_of(&unknown)["error"]["code"], "not_found");
    let sockets = json_of(&api.get("/socket.io/?EIO=4").await);
    assert!(sockets["error"]["hint"].as_str().unwrap().contains("public port"));
    let method = api.send(Method::PUT, "/v1/tasks", &[], "{}").await;
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(json_of(&method)["error"]["code"], "method_not_allowed");
    api.stop().await;
}

#[tokio::test]
async fn the_internal_port_says_what_it_is_and_shows_the_demo_in_a_demo_only() {
    let api = Api::start().await;
    let about = api.get("/").await;
    assert_eq!(about.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    for path in ["/demo", "/demo.js", "/rooms", "/console/secrets.js"] {
        assert_eq!(api.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(api.get("/carillon.js").await.status(), StatusCode::OK);
    api.stop().await;
}

#[tokio::test]
async fn with_keys_a_request_needs_one() {
    let key = "0123456789abcdef";
    let api = Api::start_with(&[("internal.api_keys", key)]).await;
    let (status, answer) = api.post(message("a", 100)).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::UNAUTHORIZED, &json!("unauthorized"))
    );
    let bearer = format!("Bearer {key}");
    for header in [("x-api-key", key), ("authorization", bearer.as_str())] {
        let answer = api.send(Method::POST, "/v1/tasks", &[header], message("a", 100)).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
    assert_eq!(api.get("/metrics").await.status(), StatusCode::OK);
    assert_eq!(api.get("/v1/nothing").await.status(), StatusCode::UNAUTHORIZED);
    api.stop().await;
}

#[tokio::test]
async fn without_keys_a_web_page_of_another_origin_hands_in_nothing() {
    let api = Api::start().await;
    let origin = ("origin", "https://evil.example");
    let answer = api.send(Method::POST, "/v1/tasks", &[origin], message("a", 100)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    api.stop().await;
}

#[tokio::test]
async fn a_node_without_the_ingest_role_has_no_door_for_messages() {
    let api = Api::start_with(&[("roles", "gateway")]).await;
    let (status, answer) = api.post(message("a", 100)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["error"]["hint"].as_str().unwrap().contains("roles"));
    api.stop().await;
}

#[tokio::test]
async fn a_node_without_the_gateway_role_has_no_public_port() {
    let redis = Server::start(&[]).await;
    let api = Api::start_with(&[("roles", "ingest"), ("redis.url", &redis.url())]).await;
    assert_eq!(api.node.public_addr(), None);
    let (status, _) = api.post(message("a", 100)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    api.stop().await;
}

#[tokio::test]
async fn a_node_that_is_hurried_does_not_wait() {
    let api = Api::start().await;
    api.node.stopped(std::future::ready(())).await.unwrap();
}

#[tokio::test]
async fn dead_letters_are_asked_for_by_id_or_all_and_what_means_nothing_is_refused() {
    let api = Api::start().await;
    let listed = api.get("/v1/dead?limit=5").await;
    assert_eq!(json_of(&listed), json!({ "letters": [], "count": 0 }));
    for query in ["limit=0", "limit=101", "limit=x", "before=x", "befor=1-0"] {
        let refused = api.get(&format!("/v1/dead?{query}")).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(json_of(&refused)["error"]["code"], "invalid");
    }
    for (verb, done) in [("replay", "replayed"), ("drop", "dropped")] {
        let path = format!("/v1/dead/{verb}");
        for (body, status) in [
            (r#"{"all":true}"#, StatusCode::OK),
            (r#"{"id":"7-0"}"#, StatusCode::NOT_FOUND),
            (r#"{"id":"x"}"#, StatusCode::UNPROCESSABLE_ENTITY),
            (r#"{"id":"7-0","all":true}"#, StatusCode::UNPROCESSABLE_ENTITY),
            ("{}", StatusCode::UNPROCESSABLE_ENTITY),
            ("{", StatusCode::BAD_REQUEST),
        ] {
            let answer = api.send(Method::POST, &path, &[], body).await;
            assert_eq!(answer.status(), status, "{verb} {body}");
            let is_none = json_of(&answer)[done] == 0;
            assert_eq!(is_none, status == StatusCode::OK, "{verb} {body}");
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn a_node_that_takes_nothing_in_has_no_dead_letters() {
    let api = Api::start_with(&[("roles", "gateway")]).await;
    let answer = api.get("/v1/dead").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(json_of(&answer)["error"]["hint"].as_str().unwrap().contains("ingest"));
    api.stop().await;
}
