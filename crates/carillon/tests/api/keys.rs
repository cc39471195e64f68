//! Keys: what each may do, how they change while a node runs, and where they are of no use.

use bytes::Bytes;
use http::{Method, Response};
use tokio::time::{Duration, sleep, timeout};

use crate::{
    document::{Call, calls},
    folder::Folder,
    harness::{Api, json_of},
};

const DEADLINE: Duration = Duration::from_secs(20);
const SCOPES: [&str; 3] = ["publish", "read", "admin"];

/// A key that is only for this.
fn key_for(scope: &str) -> String {
    format!("0123456789abc-{scope}")
}

fn one_key_for_each_scope() -> String {
    SCOPES.map(|scope| format!("the-{scope}-key:{scope}:{}", key_for(scope))).join(",")
}

/// The scope that a call asks for by its documentation; `None`: no key is asked.
fn scope_of(call: &Call) -> Option<&'static str> {
    let security = call.says["security"].as_array().expect("every call says what it asks for");
    let scopes: Vec<_> = security
        .iter()
        .map(|scheme| scheme.as_object().unwrap().values().next().unwrap())
        .collect();
    assert!(scopes.iter().all(|it| *it == scopes[0]), "{}: the same by either header", call.path);
    scopes.first().map(|scope| scope[0].as_str().unwrap())
}

async fn call_with(api: &Api, key: Option<&str>, method: &Method, path: &str) -> Response<Bytes> {
    let header = key.map(|key| ("x-api-key", key));
    api.send(method.clone(), path, header.as_slice(), "").await
}

async fn status_with(api: &Api, key: &str) -> u16 {
    call_with(api, Some(key), &Method::GET, "/v1/nodes").await.status().as_u16()
}

async fn until_answered(api: &Api, key: &str, status: u16) {
    let answered = async {
        while status_with(api, key).await != status {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(DEADLINE, answered).await.unwrap_or_else(|_| panic!("{key} is answered by {status}"));
}

/// Fails unless a key of this scope was let in or turned away as it should be.
fn judged(what: &str, answer: &Response<Bytes>, scope: &str, wanted: &str) {
    if scope == wanted {
        return assert!(![401, 403].contains(&answer.status().as_u16()), "{what}");
    }
    assert_eq!(answer.status(), 403, "{what}");
    let error = &json_of(answer)["error"];
    assert_eq!(error["code"], "out_of_scope", "{what}");
    let told = error["message"].as_str().unwrap();
    assert!(told.contains(&format!("scope {wanted}")), "{told}");
    assert!(told.contains(&format!("the-{scope}-key")), "{told}");
}

#[tokio::test]
async fn every_call_takes_a_key_of_its_own_scope_and_no_other() {
    let api = Api::start_with(&[("internal.api_keys", &one_key_for_each_scope())]).await;
    let mut asking = 0;
    for call in calls() {
        let Some(wanted) = scope_of(&call) else { continue };
        asking += 1;
        let (method, path) = (&call.method, call.example_path());
        assert_eq!(call_with(&api, None, method, &path).await.status(), 401, "{method} {path}");
        for scope in SCOPES {
            let answer = call_with(&api, Some(&key_for(scope)), method, &path).await;
            judged(&format!("{method} {path} with {scope}: {answer:?}"), &answer, scope, wanted);
        }
    }
    assert!(asking >= 14, "only {asking} calls ask for a scope");
    api.stop().await;
}

#[tokio::test]
async fn the_console_opens_without_a_key_and_asks_for_one() {
    let keys = ("internal.api_keys", "0123456789abcdef");
    let api = Api::start_with(&[keys, ("internal.addr", "0.0.0.0:0")]).await;
    let port = api.node.internal_addr().port();
    for path in ["/", "/console/console.js", "/style.css"] {
        let url = format!("http://127.0.0.1:{port}{path}");
        assert_eq!(api.fetch(&url).await.status(), 200, "{path}");
    }
    let url = format!("http://127.0.0.1:{port}/v1/nodes");
    assert_eq!(api.fetch(&url).await.status(), 401);
    api.stop().await;
}

#[tokio::test]
async fn a_key_without_scopes_may_do_everything() {
    let key = "0123456789abcdef";
    let api = Api::start_with(&[("internal.api_keys", key)]).await;
    for call in calls() {
        let answer = call_with(&api, Some(key), &call.method, &call.example_path()).await;
        let status = answer.status().as_u16();
        assert!(![401, 403].contains(&status), "{} {}: {status}", call.method, call.path);
    }
    api.stop().await;
}

#[tokio::test]
async fn with_keys_a_path_that_is_not_there_is_told_only_to_who_has_one() {
    let api = Api::start_with(&[("internal.api_keys", &one_key_for_each_scope())]).await;
    let status = async |key| call_with(&api, key, &Method::GET, "/v2/x").await.status().as_u16();
    let known = key_for("publish");
    assert_eq!((status(None).await, status(Some(&known)).await), (401, 404));
    api.stop().await;
}

#[tokio::test]
async fn what_is_turned_away_is_counted_by_why() {
    let api = Api::start_with(&[("internal.api_keys", &one_key_for_each_scope())]).await;
    assert_eq!(status_with(&api, "fedcba9876543210").await, 401);
    assert_eq!(status_with(&api, &key_for("publish")).await, 403);
    assert_eq!(call_with(&api, None, &Method::GET, "/v1/nodes").await.status(), 401);
    for outcome in ["unknown_key", "out_of_scope", "no_key"] {
        let series = format!("carillon_api_refused_total{{outcome=\"{outcome}\"}} ");
        assert!((api.metric(&series).await - 1.0).abs() < 0.1, "{outcome}");
    }
    api.stop().await;
}

#[tokio::test]
async fn keys_in_files_rotate_without_a_restart() {
    let (old, new) = ("the-old-key-of-the-backend", "the-new-key-of-the-backend");
    let folder = Folder::new("rotation");
    folder.write("backend", old);
    let api = Api::start_with(&[("internal.api_key_files", folder.path())]).await;
    assert_eq!((status_with(&api, old).await, status_with(&api, new).await), (200, 401));
    folder.write("backend", &format!("{old}\nbackend:read:{new}\n"));
    until_answered(&api, new, 200).await;
    assert_eq!(status_with(&api, old).await, 200);
    folder.write("backend", new);
    until_answered(&api, old, 401).await;
    assert_eq!(status_with(&api, new).await, 200);
    api.stop().await;
}

#[tokio::test]
async fn a_file_of_keys_that_cannot_be_used_leaves_those_that_were_there() {
    let folder = Folder::new("spoilt");
    let key = key_for("read");
    folder.write("backend", &key);
    let api = Api::start_with(&[("internal.api_key_files", folder.path())]).await;
    folder.write("backend", "short");
    let noticed = async {
        while api.metric("carillon_api_key_reads_total{outcome=\"failed\"} ").await < 0.5 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(DEADLINE, noticed).await.expect("the spoilt file is noticed");
    assert_eq!(status_with(&api, &key).await, 200);
    api.stop().await;
}

#[tokio::test]
async fn files_that_have_lost_their_last_key_open_the_port_to_nobody() {
    let folder = Folder::new("emptied");
    let key = key_for("read");
    folder.write("backend", &key);
    let api = Api::start_with(&[("internal.api_key_files", folder.path())]).await;
    folder.write("backend", "# none any more\n");
    until_answered(&api, &key, 401).await;
    assert_eq!(call_with(&api, None, &Method::GET, "/v1/nodes").await.status(), 401);
    api.stop().await;
}

#[tokio::test]
async fn nothing_of_the_api_is_on_the_public_port() {
    let key = "0123456789abcdef";
    let api = Api::start_with(&[("internal.api_keys", key)]).await;
    // The module for pages is for everybody, on either port.
    for call in calls().iter().filter(|call| call.path != "/carillon.js") {
        let (method, path) = (call.method.clone(), call.example_path());
        let status = api.send_public(method, &path, &[("x-api-key", key)]).await.status();
        assert_eq!(status, 404, "{} {path}", call.method);
    }
    api.stop().await;
}
