//! A backend that answers as it is told, and keys that change, over real HTTP.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use auth::{
    Algorithms, Config, Denial, Gate, Grant, HookConfig, KeySource, Mode, Shown, TokenConfig,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use notice::{Revocation, Revoked, UserId};
use parking_lot::Mutex;
use prometheus::Registry;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// What the server says next, and what it was asked.
#[derive(Default)]
struct Script {
    status: Mutex<u16>,
    body: Mutex<String>,
    delay: Mutex<Duration>,
    asked: AtomicUsize,
    last: Mutex<Option<Value>>,
}

/// A server of its own, gone with its owner.
struct Server {
    addr: SocketAddr,
    script: Arc<Script>,
    _serving: JoinSet<()>,
}

impl Server {
    async fn saying(body: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let script = Arc::new(Script::default());
        *script.status.lock() = 200;
        *script.body.lock() = body.to_string();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&script)));
        Self { addr, script, _serving: serving }
    }

    fn url(&self) -> http::Uri {
        format!("http://{}/", self.addr).parse().unwrap()
    }

    fn say(&self, body: &Value) {
        *self.script.body.lock() = body.to_string();
    }

    fn asked(&self) -> usize {
        self.script.asked.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let script = Arc::clone(&script);
        connections.spawn(async move {
            let answer = service_fn(move |request| answer(request, Arc::clone(&script)));
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Arc<Script>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    *script.last.lock() = serde_json::from_slice(&body).ok();
    script.asked.fetch_add(1, Ordering::SeqCst);
    let delay = *script.delay.lock();
    tokio::time::sleep(delay).await;
    let (status, body) = (*script.status.lock(), script.body.lock().clone());
    Ok(Response::builder().status(status).body(Full::from(body)).unwrap())
}

fn shown<'a>(query: &'a [(String, String)], token: Option<&'a str>) -> Shown<'a> {
    let address = "127.0.0.9".parse().unwrap();
    Shown { token, namespace: "/notice", query, auth: None, headers: &[], address }
}

fn hook(server: &Server, cache: Duration) -> Gate {
    let hook = HookConfig {
        url: server.url(),
        headers: Vec::new(),
        time_limit: Duration::from_secs(2),
        concurrency: 2,
        cache,
    };
    Gate::open(Config { mode: Mode::Hook(hook), ca: None }, &Registry::new()).unwrap()
}

async fn ask(gate: &Gate, user: &str) -> Result<Grant, Denial> {
    let query = [("user".to_owned(), user.to_owned())];
    gate.admit(&shown(&query, None)).await.map(|grant| grant.expect("a hook grants"))
}

#[tokio::test]
async fn the_backend_is_told_what_the_client_sent_and_says_who_it_is() {
    let server = Server::saying(&json!({ "user": 5, "rooms": ["chat:*"], "expires": 4e9 })).await;
    let gate = hook(&server, Duration::ZERO);
    let query = [("user".to_owned(), "7".to_owned())];
    let headers = [("cookie".to_owned(), "sid=1".to_owned())];
    let auth = Some(r#"{"password":"x"}"#);
    let grant = gate.admit(&Shown { auth, headers: &headers, ..shown(&query, None) }).await;
    let grant = grant.unwrap().unwrap();
    assert_eq!(grant.user.as_str(), "5");
    assert!(grant.rooms.cover(&notice::Room::new("chat:1").unwrap()));
    assert!(grant.expires.is_some());
    let told = server.script.last.lock().clone();
    assert_eq!(
        told,
        Some(json!({
            "namespace": "/notice",
            "query": { "user": "7" },
            "auth": { "password": "x" },
            "headers": { "cookie": "sid=1" },
            "address": "127.0.0.9",
        }))
    );
}

#[tokio::test]
async fn its_refusal_reaches_the_client_as_it_stands() {
    let server = Server::saying(&json!({ "error": "pay first" })).await;
    let denial = ask(&hook(&server, Duration::ZERO), "5").await.unwrap_err();
    assert_eq!(denial.message(), "pay first");
    assert!(denial.is_for_good());
}

#[tokio::test]
async fn a_backend_that_says_nothing_of_use_may_be_asked_again_later() {
    let server = Server::saying(&json!({ "user": 5 })).await;
    let gate = hook(&server, Duration::from_mins(1));
    for (status, body) in [
        (500, json!({ "user": 5 })),
        (302, json!({ "user": 5 })),
        (200, json!({})),
        (200, json!([])),
        (200, json!({ "user": "" })),
        (200, json!({ "user": 5, "rooms": 7.5e300, "expires": -1 })),
        (200, json!({ "user": "5", "padding": "x".repeat(300_000) })),
    ] {
        *server.script.status.lock() = status;
        server.say(&body);
        let denial = ask(&gate, "5").await.unwrap_err();
        assert_eq!(denial, Denial::Unreachable, "{status} {body:.60}");
        assert!(!denial.is_for_good());
    }
    // And it was not remembered.
    *server.script.status.lock() = 200;
    server.say(&json!({ "user": 5 }));
    assert!(ask(&gate, "5").await.is_ok());
}

#[tokio::test]
async fn a_backend_that_is_away_or_late_costs_its_time_limit_at_most() {
    let server = Server::saying(&json!({ "user": 5 })).await;
    let gate = hook(&server, Duration::ZERO);
    *server.script.delay.lock() = Duration::from_mins(1);
    let asking = tokio::time::timeout(Duration::from_secs(10), ask(&gate, "5"));
    assert_eq!(asking.await.expect("it gave up in time"), Err(Denial::Unreachable));
    let gate = hook(&server, Duration::ZERO);
    drop(server);
    assert_eq!(ask(&gate, "5").await, Err(Denial::Unreachable));
}

#[tokio::test]
async fn who_finds_no_turn_within_the_time_limit_is_told_to_come_again() {
    let server = Server::saying(&json!({ "user": 5 })).await;
    *server.script.delay.lock() = Duration::from_mins(1);
    let gate = hook(&server, Duration::ZERO);
    let (one, two, three) = tokio::join!(ask(&gate, "1"), ask(&gate, "2"), ask(&gate, "3"));
    let outcomes = [one, two, three].map(Result::unwrap_err);
    assert_eq!(outcomes.iter().filter(|denial| **denial == Denial::Busy).count(), 1);
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn what_it_said_is_forgotten_when_the_user_is_revoked_and_of_others_it_is_not() {
    let server = Server::saying(&json!({ "user": 5 })).await;
    let gate = hook(&server, Duration::from_mins(1));
    let before = ask(&gate, "5").await.unwrap();
    let revoked = |user| Revocation {
        whom: Revoked::User(UserId::new(user).unwrap()),
        before: SystemTime::UNIX_EPOCH,
    };
    gate.revoke(&revoked("6"), Duration::from_mins(1));
    assert!(ask(&gate, "5").await.is_ok() && !gate.has_revoked(&before));
    assert_eq!(server.asked(), 1);
    gate.revoke(&revoked("5"), Duration::from_mins(1));
    assert!(gate.has_revoked(&before));
    let after = ask(&gate, "5").await.unwrap();
    assert!(!gate.has_revoked(&after));
    assert_eq!(server.asked(), 2);
    assert!(ask(&gate, "5").await.is_ok());
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn the_same_question_is_asked_once_while_its_answer_is_fresh() {
    let server = Server::saying(&json!({ "user": 5 })).await;
    let gate = hook(&server, Duration::from_mins(1));
    for _ in 0..5 {
        ask(&gate, "5").await.unwrap();
    }
    assert_eq!(server.asked(), 1);
    ask(&gate, "6").await.unwrap();
    assert_eq!(server.asked(), 2);
}

const SECRET: &str = "a secret of thirty-two bytes, ok!";

fn set(names: &[&str]) -> Value {
    let key = |name: &&str| {
        let value = BASE64_URL_SAFE_NO_PAD.encode(format!("{SECRET}{name}"));
        json!({ "kty": "oct", "kid": name, "k": value })
    };
    json!({ "keys": names.iter().map(key).collect::<Vec<_>>() })
}

fn token(name: &str) -> String {
    let header = Header { kid: Some(name.to_owned()), ..Header::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(format!("{SECRET}{name}").as_bytes());
    encode(&header, &json!({ "sub": "5", "exp": 4_000_000_000_u32 }), &key).unwrap()
}

fn tokens(keys: KeySource) -> Gate {
    let token = TokenConfig {
        keys,
        algorithms: Algorithms::default(),
        issuers: Vec::new(),
        audiences: Vec::new(),
        leeway: Duration::ZERO,
    };
    Gate::open(Config { mode: Mode::Token(token), ca: None }, &Registry::new()).unwrap()
}

async fn show(gate: &Gate, token: &str) -> Result<Grant, Denial> {
    gate.admit(&shown(&[], Some(token))).await.map(|grant| grant.expect("a token grants"))
}

/// Waits for what `gate` says of a token.
async fn comes_to(gate: &Gate, token: &str, is_let_in: bool) {
    let coming = async {
        while show(gate, token).await.is_ok() != is_let_in {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), coming).await.expect("in time");
}

#[tokio::test]
async fn keys_in_a_file_change_with_the_file_and_outlive_its_loss() {
    let file = std::env::temp_dir().join(format!("carillon-keys-{}", std::process::id()));
    std::fs::write(&file, set(&["one"]).to_string()).unwrap();
    let gate = tokens(KeySource::File(file.clone()));
    let stop = CancellationToken::new();
    let running = {
        let (gate, stop) = (gate.clone(), stop.clone());
        async move { gate.run(stop).await }
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(running);
    comes_to(&gate, &token("one"), true).await;
    assert_eq!(show(&gate, &token("two")).await, Err(Denial::UnknownKey));
    std::fs::write(&file, set(&["two"]).to_string()).unwrap();
    comes_to(&gate, &token("two"), true).await;
    comes_to(&gate, &token("one"), false).await;
    std::fs::remove_file(&file).unwrap();
    assert!(show(&gate, &token("two")).await.is_ok());
    stop.cancel();
    tasks.join_all().await;
}

#[tokio::test]
async fn before_the_first_set_has_come_a_token_may_come_again() {
    let away = "http://127.0.0.1:1/".parse().unwrap();
    let gate = tokens(KeySource::Url { url: away, refresh: Duration::from_mins(5) });
    assert_eq!(show(&gate, &token("one")).await, Err(Denial::Unreachable));
    assert_eq!(gate.admit(&shown(&[], None)).await, Err(Denial::NoToken));
}

#[tokio::test]
async fn a_key_that_came_new_is_fetched_when_its_first_token_comes_but_not_for_every_one() {
    let rsa = |name: &str| json!({ "kty": "RSA", "kid": name, "n": BASE64_URL_SAFE_NO_PAD.encode([0xff; 256]), "e": "AQAB" });
    let server = Server::saying(&json!({ "keys": [rsa("one")] })).await;
    let url = server.url();
    let gate = tokens(KeySource::Url { url, refresh: Duration::from_mins(5) });
    let named = |name: &str| {
        let header = format!(r#"{{"alg":"RS256","kid":"{name}"}}"#);
        format!("{}.e30.AAAA", BASE64_URL_SAFE_NO_PAD.encode(header))
    };
    // The key is known, so what is wrong is the signature.
    assert_eq!(show(&gate, &named("one")).await, Err(Denial::Signature));
    assert_eq!(server.asked(), 1);
    for _ in 0..20 {
        assert_eq!(show(&gate, &named("two")).await, Err(Denial::UnknownKey));
    }
    assert_eq!(server.asked(), 1, "an unknown name must not make us flood the provider");
}

#[tokio::test]
async fn a_secret_in_a_public_set_is_no_key() {
    let server = Server::saying(&set(&["one"])).await;
    let url = server.url();
    let gate = tokens(KeySource::Url { url, refresh: Duration::from_mins(5) });
    assert_eq!(show(&gate, &token("one")).await, Err(Denial::Unreachable));
    assert_eq!(server.asked(), 1);
}
