//! Whatever the internal port does not do, it says so in one form: `{"error":{"code","message","hint"?}}`.

use bytes::Bytes;
use http::{Method, Response, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    harness::{Api, json_of},
    server::Server,
};

/// Every call of the port, with the methods it takes.
const CALLS: [(&str, &str); 18] = [
    ("/", "GET"),
    ("/carillon.js", "GET"),
    ("/livez", "GET"),
    ("/readyz", "GET"),
    ("/metrics", "GET"),
    ("/v1/tasks", "POST"),
    ("/v1/dead", "GET"),
    ("/v1/dead/replay", "POST"),
    ("/v1/dead/drop", "POST"),
    ("/v1/emit", "POST"),
    ("/v1/sockets", "GET"),
    ("/v1/sockets/join", "POST"),
    ("/v1/sockets/leave", "POST"),
    ("/v1/sockets/disconnect", "POST"),
    ("/v1/rooms", "GET"),
    ("/v1/nodes", "GET"),
    ("/v1/users/5/tasks", "GET"),
    ("/v1/users/5/tasks/a", "DELETE"),
];

/// What is asked, and the status and code of the answer.
type Refused = (&'static str, &'static str, &'static str, u16, &'static str);

const REFUSED: [Refused; 39] = [
    ("GET", "/nothing", "", 404, "not_found"),
    ("POST", "/", "", 405, "method_not_allowed"),
    ("GET", "/v1", "", 404, "not_found"),
    ("GET", "/socket.io/?EIO=4", "", 404, "not_found"),
    ("GET", "/v1/users//tasks", "", 422, "invalid"),
    ("DELETE", "/v1/users/5/tasks/unknown", "", 404, "unknown_task"),
    ("DELETE", "/v1/users/5/tasks/%FF", "", 422, "invalid"),
    ("GET", "/v1/users/%FF/tasks", "", 422, "invalid"),
    ("GET", "/v1/users/%00/tasks", "", 422, "invalid"),
    ("GET", "/v1/sockets?limit=x", "", 422, "invalid"),
    ("GET", "/v1/sockets?limit=1&limit=2", "", 422, "invalid"),
    ("GET", "/v1/sockets?limit=0", "", 422, "invalid"),
    ("GET", "/v1/sockets?rooms=a", "", 422, "invalid"),
    ("GET", "/v1/sockets?scope=galaxy", "", 422, "invalid"),
    ("GET", "/v1/rooms?limit=-1", "", 422, "invalid"),
    ("GET", "/v1/rooms?room=a", "", 422, "invalid"),
    ("GET", "/v1/dead?limit=x", "", 422, "invalid"),
    ("POST", "/v1/tasks", "", 400, "malformed"),
    ("POST", "/v1/tasks", "{", 400, "bad_messages"),
    ("POST", "/v1/emit", "", 400, "malformed"),
    ("POST", "/v1/emit", "{", 400, "malformed"),
    ("POST", "/v1/emit", "\u{0}", 400, "malformed"),
    ("POST", "/v1/emit", "[]", 422, "invalid"),
    ("POST", "/v1/emit", "{}", 422, "invalid"),
    ("POST", "/v1/emit", r#"{"event":"e","to":{"socket":"nobody"}}"#, 404, "unknown_socket"),
    ("POST", "/v1/sockets/join", "", 400, "malformed"),
    ("POST", "/v1/sockets/join", "{}", 422, "invalid"),
    ("POST", "/v1/sockets/join", r#"{"user":5,"rooms":[]}"#, 422, "invalid"),
    ("POST", "/v1/sockets/join", r#"{"user":5,"rooms":["a"],"close":true}"#, 422, "invalid"),
    ("POST", "/v1/sockets/join", r#"{"socket":"s","rooms":["a"]}"#, 404, "unknown_socket"),
    ("POST", "/v1/sockets/leave", "nonsense", 400, "malformed"),
    ("POST", "/v1/sockets/leave", r#"{"rooms":["a"]}"#, 422, "invalid"),
    ("POST", "/v1/sockets/disconnect", r#"{"user":5,"rooms":["a"]}"#, 422, "invalid"),
    ("POST", "/v1/sockets/disconnect", r#"{"socket":"s"}"#, 404, "unknown_socket"),
    ("POST", "/v1/revocations", r#"{"user":5}"#, 422, "invalid"),
    ("GET", "/v1/revocations?limit=0", "", 422, "invalid"),
    ("POST", "/v1/dead/replay", "{", 400, "malformed"),
    ("POST", "/v1/dead/replay", "{}", 422, "invalid"),
    ("POST", "/v1/dead/drop", r#"{"id":"7-0"}"#, 404, "unknown_letter"),
];

fn is_refusal(what: &str, answer: &Response<Bytes>, status: u16, code: &str) {
    assert_eq!(answer.status().as_u16(), status, "{what}: {:?}", answer.body());
    let body = json_of(answer);
    assert_eq!(body["error"]["code"], code, "{what}: {body}");
    let error = body["error"].as_object().unwrap();
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
    assert!(error.get("hint").is_none_or(serde_json::Value::is_string), "{what}: {body}");
    assert!(error.len() <= 3, "{what}: {body}");
}

#[tokio::test]
async fn every_mistake_is_answered_in_the_one_form_of_errors() {
    let api = Api::start().await;
    for (method, path, body, status, code) in REFUSED {
        let what = format!("{method} {path} {body}");
        let answer = api.send(method.parse().unwrap(), path, &[], body).await;
        is_refusal(&what, &answer, status, code);
    }
    api.stop().await;
}

#[tokio::test]
async fn every_call_with_a_body_refuses_what_is_too_long() {
    let api = Api::start().await;
    let too_long = Bytes::from(vec![b' '; 8 * 1024 * 1024 + 1]);
    for (path, method) in CALLS.into_iter().filter(|(_, method)| *method != "GET") {
        let answer = api.send(method.parse().unwrap(), path, &[], too_long.clone()).await;
        is_refusal(path, &answer, 413, "too_large");
    }
    api.stop().await;
}

#[tokio::test]
async fn every_call_refuses_all_methods_but_its_own_and_names_that() {
    let api = Api::start().await;
    for (path, taken) in CALLS {
        let others = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        for method in others.into_iter().filter(|method| *method != taken) {
            let answer = api.send(method.parse().unwrap(), path, &[], "").await;
            is_refusal(&format!("{method} {path}"), &answer, 405, "method_not_allowed");
            let allowed = answer.headers()[header::ALLOW].to_str().unwrap();
            assert!(allowed.split(',').any(|it| it.trim() == taken), "{path}: {allowed}");
        }
    }
    api.stop().await;
}

#[tokio::test]
async fn with_keys_every_call_that_tells_or_does_something_asks_for_one() {
    let api = Api::start_with(&[("internal.api_keys", "0123456789abcdef")]).await;
    for (path, method) in CALLS.into_iter().filter(|(path, _)| path.starts_with("/v1")) {
        let answer = api.send(method.parse().unwrap(), path, &[], "").await;
        is_refusal(path, &answer, 401, "unauthorized");
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_node_of_one_role_says_which_role_a_call_wants() {
    let redis = Server::start(&[]).await;
    for (role, other, path) in [
        ("gateway", "ingest", "/v1/tasks"),
        ("ingest", "gateway", "/v1/emit"),
        ("ingest", "gateway", "/v1/tail"),
    ] {
        let api = Api::start_with(&[("roles", role), ("redis.url", &redis.url())]).await;
        let answer = api.send(Method::POST, path, &[], "{}").await;
        is_refusal(path, &answer, 404, "not_found");
        let hint = json_of(&answer)["error"]["hint"].as_str().unwrap().to_owned();
        assert!(hint.ends_with(other), "{hint}");
        api.stop().await;
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_told_of() {
    let api = Api::start().await;
    for path in ["/v1/emit", "/v1/tasks", "/v1/dead/drop"] {
        let mut stream = TcpStream::connect(api.node.internal_addr()).await.unwrap();
        let host = api.node.internal_addr();
        let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 9\r\n\r\n{{");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        assert!(answer.contains(r#"{"error":{"code":"malformed","#), "{path}: {answer}");
    }
    api.stop().await;
}
