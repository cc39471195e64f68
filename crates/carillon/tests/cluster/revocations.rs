//! What is revoked on one node holds on all: who sits there by it is out, and nobody is let in by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth::{Algorithms, Key, Signer};
use http::{Method, StatusCode};
use notice::UserId;
use serde_json::{Value, json};
use tokio::time;
use tokio_tungstenite::tungstenite;

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::{DEADLINE, Page},
};

on_both_buses!(
    a_revoked_user_is_out_on_every_node_and_others_stay,
    a_token_of_before_is_refused_on_every_node_and_a_later_one_is_taken,
    everyone_of_before_an_instant_is_out_and_who_came_by_later_tokens_stays,
    a_node_that_starts_later_knows_what_is_revoked,
    a_revoked_token_is_no_refreshment,
);

const KEY: &str = "a secret of thirty-two bytes, ok!";
const UP: &str = "carillon_redis_up ";

async fn cluster(bus: Bus) -> Cluster {
    Cluster::set(2, bus, &[("auth.mode", "token"), ("auth.key", KEY)]).await
}

fn token(user: &str) -> String {
    let key = Key::read(KEY).unwrap();
    let signer = Signer::new(&key, &Algorithms::parse(&[]).unwrap()).unwrap();
    signer.sign(&UserId::new(user).unwrap(), &[], Duration::from_mins(5)).unwrap()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

fn with(token: &str) -> String {
    format!("namespace=/notice&token={token}")
}

async fn revoke(cluster: &Cluster, body: Value) -> Value {
    let (status, answer) = cluster.post(0, "/v1/revocations", &body).await;
    assert_eq!(status, StatusCode::OK, "{body}: {answer}");
    answer
}

/// How the node answers who comes by this token.
async fn status(cluster: &Cluster, node: usize, token: &str) -> u16 {
    let url = format!("ws://{}/ws?{}", cluster.public(node), with(token));
    match time::timeout(DEADLINE, tokio_tungstenite::connect_async(url)).await.unwrap() {
        Ok((_socket, answer)) => answer.status().as_u16(),
        Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

/// Those of the second of a revocation count as old.
async fn later_tokens_are_taken(cluster: &Cluster) {
    let taken = async {
        while status(cluster, 1, &token("5")).await != 101 {
            time::sleep(Duration::from_millis(50)).await;
        }
    };
    time::timeout(DEADLINE, taken).await.expect("a later token is taken");
}

async fn is_put_out(page: &mut Page) {
    assert_eq!(page.event("disconnecting").await["reason"], json!("revoked"));
    let closed = time::timeout(DEADLINE, page.try_next()).await.expect("it closes");
    assert_eq!(closed, None);
}

async fn still_hears(cluster: &Cluster, user: &str, page: &mut Page) {
    let emit =
        json!({ "to": { "user": user }, "namespace": "/notice", "event": "still", "data": 1 });
    cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!(page.event("still").await, json!(1));
}

async fn a_revoked_user_is_out_on_every_node_and_others_stay(bus: Bus) {
    let cluster = cluster(bus).await;
    let mut pages = Vec::new();
    for node in 0..2 {
        pages.push(cluster.page_with(node, &with(&token("5"))).await);
    }
    let mut other = cluster.page_with(1, &with(&token("6"))).await;
    assert_eq!(revoke(&cluster, json!({ "user": 5 })).await, json!({ "sockets": 2 }));
    for page in &mut pages {
        is_put_out(page).await;
    }
    still_hears(&cluster, "6", &mut other).await;
    assert_eq!(revoke(&cluster, json!({ "user": 5 })).await, json!({ "sockets": 0 }));
    cluster.stop_all().await;
}

async fn a_token_of_before_is_refused_on_every_node_and_a_later_one_is_taken(bus: Bus) {
    let cluster = cluster(bus).await;
    let old = token("5");
    assert_eq!(status(&cluster, 1, &old).await, 101);
    revoke(&cluster, json!({ "user": "5" })).await;
    for node in 0..2 {
        assert_eq!(status(&cluster, node, &old).await, 401);
    }
    let series = "carillon_handshakes_total{outcome=\"token_revoked\"} ";
    cluster.metric_is(0, series, 1.0).await;
    later_tokens_are_taken(&cluster).await;
    assert_eq!(status(&cluster, 1, &old).await, 401);
    cluster.stop_all().await;
}

async fn everyone_of_before_an_instant_is_out_and_who_came_by_later_tokens_stays(bus: Bus) {
    let cluster = cluster(bus).await;
    let mut page = cluster.page_with(1, &with(&token("5"))).await;
    let before = json!({ "before": now() - 60.0 });
    assert_eq!(revoke(&cluster, before).await, json!({ "sockets": 0 }));
    still_hears(&cluster, "5", &mut page).await;
    assert_eq!(revoke(&cluster, json!({ "before": now() })).await, json!({ "sockets": 1 }));
    is_put_out(&mut page).await;
    cluster.stop_all().await;
}

async fn a_node_that_starts_later_knows_what_is_revoked(bus: Bus) {
    let mut cluster = cluster(bus).await;
    let old = token("5");
    revoke(&cluster, json!({ "user": 5 })).await;
    let node = cluster.join().await;
    assert_eq!(status(&cluster, node, &old).await, 401);
    let (_, listed) = cluster.ask(node, Method::GET, "/v1/revocations", "").await;
    assert_eq!(listed["revocations"][0]["user"], json!("5"), "{listed}");
    cluster.stop_all().await;
}

async fn a_revoked_token_is_no_refreshment(bus: Bus) {
    let cluster = cluster(bus).await;
    let old = token("5");
    revoke(&cluster, json!({ "user": 5 })).await;
    later_tokens_are_taken(&cluster).await;
    let mut page = cluster.open(1, &with(&token("5"))).await;
    page.send(&json!({ "event": "token", "args": [old], "ack": 1 })).await;
    let answer = loop {
        let message = page.next().await;
        if message["ack"] == json!(1) {
            break message;
        }
    };
    assert_eq!(answer["args"][0]["error"]["code"], json!("token_revoked"), "{answer}");
    still_hears(&cluster, "5", &mut page).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn while_redis_is_away_nothing_is_revoked_and_what_was_stays_revoked() {
    let mut cluster = cluster(Bus::Redis).await;
    let old = token("5");
    revoke(&cluster, json!({ "user": 5 })).await;
    cluster.redis().stop();
    cluster.metric_is(0, UP, 0.0).await;
    let (code, answer) = cluster.post(0, "/v1/revocations", &json!({ "user": 6 })).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(status(&cluster, 1, &old).await, 401);
    let behind = async {
        while cluster.ask(1, Method::GET, "/v1/revocations", "").await.1["behind"] != json!(true) {
            time::sleep(Duration::from_millis(50)).await;
        }
    };
    time::timeout(DEADLINE, behind).await.expect("it says that it may not know all");
    cluster.stop_all().await;
}

#[tokio::test]
async fn what_redis_has_lost_it_gets_back_from_the_nodes() {
    let mut cluster = cluster(Bus::Redis).await;
    let old = token("5");
    revoke(&cluster, json!({ "user": 5 })).await;
    cluster.redis().stop();
    cluster.metric_is(1, UP, 0.0).await;
    cluster.redis().start_again().await;
    cluster.redis().comes_to_say("ZCARD carillon:{revoked}:ends", ":1").await;
    let node = cluster.join().await;
    assert_eq!(status(&cluster, node, &old).await, 401);
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_node_that_was_told_nothing_finds_out_by_itself() {
    let mut cluster = cluster(Bus::Redis).await;
    let mut page = cluster.page_with(1, &with(&token("5"))).await;
    let ends = (now() + 60.0) * 1000.0;
    let list = "carillon:{revoked}";
    cluster.redis().say(&format!("HSET {list}:befores user:5 {:.0}", now() * 1000.0)).await;
    cluster.redis().say(&format!("ZADD {list}:ends {ends:.0} user:5")).await;
    cluster.redis().say(&format!("ZADD {list}:marks 1 user:5")).await;
    is_put_out(&mut page).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn where_nobody_is_asked_who_they_are_there_is_nothing_to_revoke() {
    let cluster = Cluster::of(1, Bus::Embedded).await;
    let (status, answer) = cluster.post(0, "/v1/revocations", &json!({ "user": 5 })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    cluster.stop_all().await;
}
