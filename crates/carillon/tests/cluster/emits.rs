//! What a backend emits through one node, to all of them or to one alone.

use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    rooms::send,
};

on_both_buses!(
    an_emit_to_a_room_reaches_its_members_on_every_node,
    a_local_emit_stays_on_the_node_that_was_asked,
);

const ROOM: &str = "namespace=/notice&user=7&room=news";

async fn an_emit_to_a_room_reaches_its_members_on_every_node(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut pages = [cluster.page_with(0, ROOM).await, cluster.page_with(1, ROOM).await];
    let emit = json!({
        "to": { "room": "news" }, "namespace": "/notice", "event": "flash", "data": { "n": 1 },
    });
    let (status, answer) = cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!((status, &answer["nodes"]), (StatusCode::OK, &json!(2)));
    for page in &mut pages {
        assert_eq!(page.event("flash").await, json!({ "n": 1 }));
    }
    cluster.stop_all().await;
}

async fn a_local_emit_stays_on_the_node_that_was_asked(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut pages = [cluster.page_with(0, ROOM).await, cluster.page_with(1, ROOM).await];
    for (node, page) in pages.iter_mut().enumerate() {
        let emit = json!({
            "to": { "room": "news" }, "namespace": "/notice", "event": "flash", "data": node,
            "scope": "local",
        });
        let (status, answer) = cluster.post(node, "/v1/emit", &emit).await;
        assert_eq!((status, &answer["sockets"]), (StatusCode::OK, &json!(1)));
        // The other node's would have come first, had it come here.
        assert_eq!(page.event("flash").await, json!(node));
    }
    cluster.stop_all().await;
}

#[tokio::test]
async fn what_is_sent_to_a_socket_that_is_not_welcomed_yet_comes_behind_its_welcome() {
    let mut cluster = Cluster::of(1, Bus::Redis).await;
    send("-STOP", cluster.redis().pid()).await;
    let mut page = cluster.open(0, "namespace=/&room=7").await;
    let id = loop {
        let (_, listed) = cluster.ask(0, Method::GET, "/v1/sockets?scope=local", "").await;
        if let Some(id) = listed["sockets"][0]["id"].as_str() {
            break id.to_owned();
        }
    };
    let emit = json!({ "to": { "socket": id }, "event": "early", "data": 1, "scope": "local" });
    let (status, answer) = cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!((status, &answer["sockets"]), (StatusCode::OK, &json!(1)));
    send("-CONT", cluster.redis().pid()).await;
    assert_eq!(page.heard_before("early").await, ["downmsg"]);
    cluster.stop_all().await;
}
