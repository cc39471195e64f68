//! Whom an emit means that names several rooms, or leaves somebody out.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::Page,
};

on_both_buses!(
    three_rooms_that_overlap_and_an_except_list_reach_each_right_socket_once,
    an_except_list_holds_for_a_user_and_for_one_socket,
    fifty_sockets_of_two_rooms_are_asked_and_the_silent_are_missing,
);

impl Cluster {
    /// A page of that user in these rooms of `/notice`, and its id.
    async fn member(&self, node: usize, user: &str, rooms: &[&str]) -> (Page, Value) {
        let page = self.page_with(node, &format!("namespace=/notice&user={user}")).await;
        if !rooms.is_empty() {
            let join = json!({ "user": user, "namespace": "/notice", "rooms": rooms });
            let (status, answer) = self.post(node, "/v1/sockets/join", &join).await;
            assert_eq!((status, &answer["sockets"]), (StatusCode::OK, &json!(1)), "{answer}");
        }
        let path = format!("/v1/sockets?user={user}");
        let (_, listed) = self.ask(node, Method::GET, &path, "").await;
        (page, listed["sockets"][0]["id"].clone())
    }

    async fn emit(&self, body: Value) -> Value {
        let (status, answer) = self.post(0, "/v1/emit", &body).await;
        assert_eq!(status, StatusCode::OK, "{body}: {answer}");
        answer
    }

    /// The last that everyone hears, after all that was sent to everyone before.
    async fn mark(&self) {
        self.emit(json!({ "namespace": "/notice", "event": "marker" })).await;
    }
}

async fn three_rooms_that_overlap_and_an_except_list_reach_each_right_socket_once(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let (mut in_two, _) = cluster.member(0, "in-two", &["a", "b"]).await;
    let (mut in_all, _) = cluster.member(1, "in-all", &["a", "b", "c"]).await;
    let (mut in_one, _) = cluster.member(2, "in-one", &["c"]).await;
    let (mut outside, _) = cluster.member(2, "outside", &["d"]).await;
    let (mut by_room, _) = cluster.member(0, "by-room", &["a", "x"]).await;
    let (mut by_id, id) = cluster.member(1, "by-id", &["b"]).await;
    let answer = cluster
        .emit(json!({
            "to": { "rooms": ["a", "b", "c"] }, "namespace": "/notice", "event": "flash",
            "except": { "rooms": ["x", "y"], "sockets": [id, "nobody"] },
        }))
        .await;
    assert_eq!(answer["nodes"], json!(3), "{answer}");
    cluster.mark().await;
    for page in [&mut in_two, &mut in_all, &mut in_one] {
        assert_eq!(page.heard_before("marker").await, ["flash"]);
    }
    for page in [&mut outside, &mut by_room, &mut by_id] {
        assert!(page.heard_before("marker").await.is_empty());
    }
    cluster.stop_all().await;
}

async fn an_except_list_holds_for_a_user_and_for_one_socket(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let (mut page, _) = cluster.member(0, "7", &["busy"]).await;
    let (mut other, id) = cluster.member(1, "8", &["busy"]).await;
    let mut free = cluster.page_with(1, "namespace=/notice&user=7").await;
    let except = json!({ "rooms": ["busy"] });
    let answer = cluster
        .emit(json!({
            "to": { "socket": id }, "namespace": "/notice", "event": "flash", "except": except,
        }))
        .await;
    assert_eq!(answer["sockets"], json!(0), "{answer}");
    cluster
        .emit(json!({
            "to": { "user": 7 }, "namespace": "/notice", "event": "flash", "except": except,
        }))
        .await;
    assert_eq!(free.event("flash").await, Value::Null);
    cluster.mark().await;
    assert!(page.heard_before("marker").await.is_empty());
    assert!(other.heard_before("marker").await.is_empty());
    cluster.stop_all().await;
}

async fn fifty_sockets_of_two_rooms_are_asked_and_the_silent_are_missing(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let (mut silent, mut speaking) = (Vec::new(), JoinSet::new());
    for number in 0..50 {
        let room = ["a", "b"][number % 2];
        let query = format!("namespace=/notice&user={number}&room={room}");
        let mut page = cluster.page_with(number % 3, &query).await;
        if number % 10 == 0 {
            silent.push(page);
        } else {
            speaking.spawn(async move { page.answer("question", "here").await });
        }
    }
    let (_excepted, id) = cluster.member(1, "excepted", &["a"]).await;
    let answer = cluster
        .emit(json!({
            "to": { "rooms": ["a", "b"] }, "namespace": "/notice", "event": "question",
            "except": { "sockets": [id] }, "ack": { "timeout": "3s" },
        }))
        .await;
    assert_eq!(answer["acks"].as_array().map(Vec::len), Some(45), "{answer}");
    assert_eq!((&answer["missing"], &answer["nodes"]), (&json!(5), &json!(3)), "{answer}");
    cluster.stop_all().await;
}

#[tokio::test]
async fn by_the_workers_stream_an_emit_chooses_as_by_the_api() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    let (mut one, id) = cluster.member(0, "1", &["a", "b"]).await;
    let (mut two, _) = cluster.member(1, "2", &["b", "x"]).await;
    let mut hand_in = async |emit: Value| {
        cluster.redis().say(&format!("XADD carillon:tasks * emit '{emit}'")).await;
    };
    hand_in(json!({
        "to": { "rooms": ["a", "b"] }, "namespace": "/notice", "event": "flash", "volatile": true,
        "except": { "rooms": ["x"] },
    }))
    .await;
    hand_in(json!({
        "to": { "socket": id }, "namespace": "/notice", "event": "bytes", "binary": true,
        "data": { "$binary": "AQI=" },
    }))
    .await;
    hand_in(json!({ "to": { "socket": id }, "namespace": "/notice", "data": "by name" })).await;
    hand_in(json!({ "namespace": "/notice", "event": "marker" })).await;
    let heard = one.heard_before("marker").await;
    assert_eq!(heard, ["flash", "bytes", id.as_str().unwrap()]);
    assert!(two.heard_before("marker").await.is_empty());
    cluster.stop_all().await;
}

#[tokio::test]
async fn by_the_workers_stream_an_unknown_socket_is_counted_by_the_node_whose_it_was() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    let (page, id) = cluster.member(0, "1", &[]).await;
    let _other = cluster.page(0).await;
    drop(page);
    cluster.metric_is(0, "carillon_departures_total{reason=\"transport_error\"} ", 1.0).await;
    let emit = json!({ "to": { "socket": id }, "namespace": "/notice", "event": "late" });
    cluster.redis().say(&format!("XADD carillon:tasks * emit '{emit}'")).await;
    cluster.metric_is(0, "carillon_dropped_total{reason=\"unknown_socket\"} ", 1.0).await;
    cluster.stop_all().await;
}
