//! What a backend asks of any node concerns the sockets of all nodes.

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::DEADLINE,
};

on_both_buses!(
    every_node_lists_the_sockets_of_all,
    a_listing_is_bounded_and_says_so,
    members_are_summed_over_all_nodes,
    every_node_lists_all_nodes,
    a_socket_joins_and_leaves_on_whatever_node_it_sits,
    sockets_of_a_user_join_on_all_nodes,
    an_emit_to_a_socket_of_another_node_reaches_it_in_order,
    a_socket_that_is_nowhere_is_unknown,
    a_closed_socket_hears_why_before_its_transport_closes,
    a_kicked_socket_leaves_one_namespace_and_keeps_the_other,
    a_socket_that_disconnected_is_listed_no_more,
);

const USER: &str = "namespace=/notice&user=5";
const ROOM: &str = "namespace=/notice&user=5&room=news";

impl Cluster {
    async fn get(&self, node: usize, path: &str) -> Value {
        let (status, answer) = self.ask(node, Method::GET, path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        assert_eq!(answer.get("missing"), None, "{path}");
        answer
    }

    async fn done(&self, node: usize, deed: &str, body: &Value) -> Value {
        let (status, answer) = self.post(node, &format!("/v1/sockets/{deed}"), body).await;
        assert_eq!(status, StatusCode::OK, "{deed} {body}: {answer}");
        answer
    }

    /// The id of the only socket on a node.
    async fn socket_of(&self, node: usize) -> String {
        let listed = self.get(node, "/v1/sockets?scope=local").await;
        listed["sockets"][0]["id"].as_str().expect("one sits here").to_owned()
    }
}

/// A stock client of version 4, as it is on the wire.
struct Stock(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Stock {
    async fn open(cluster: &Cluster, node: usize) -> Self {
        let public = cluster.public(node);
        let url = format!("ws://{public}/socket.io/?EIO=4&transport=websocket");
        let mut stock = Self(tokio_tungstenite::connect_async(url).await.unwrap().0);
        assert!(stock.next().await.starts_with('0'));
        stock
    }

    async fn join(&mut self, namespace: &str) {
        let head = if namespace == "/" { "40".into() } else { format!("40{namespace},") };
        self.0.send(Message::text(format!("{head}{{\"user\":\"5\"}}"))).await.unwrap();
        while !self.next().await.starts_with(&format!("{head}{{")) {}
    }

    /// The next packet that is no ping.
    async fn next(&mut self) -> String {
        loop {
            let message = time::timeout(DEADLINE, self.0.next()).await.expect("it comes in time");
            match message.expect("the socket stays open").unwrap() {
                Message::Text(text) if text.as_str() != "2" => return text.to_string(),
                _ => {}
            }
        }
    }
}

async fn every_node_lists_the_sockets_of_all(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let _pages = [cluster.page_with(0, ROOM).await, cluster.page_with(1, USER).await];
    for node in 0..3 {
        let all = cluster.get(node, "/v1/sockets").await;
        let sockets = all["sockets"].as_array().unwrap();
        assert_eq!(sockets.len(), 2, "{all}");
        assert_ne!(sockets[0]["node"], sockets[1]["node"]);
        assert_eq!(all.get("more"), None);
        let news = cluster.get(node, "/v1/sockets?room=news&user=5&namespace=/notice").await;
        assert_eq!(news["sockets"].as_array().unwrap().len(), 1);
        assert_eq!(news["sockets"][0]["rooms"], json!(["news"]));
        let here = cluster.get(node, "/v1/sockets?scope=local").await;
        assert_eq!(here["sockets"].as_array().unwrap().len(), usize::from(node < 2));
    }
    cluster.stop_all().await;
}

async fn a_listing_is_bounded_and_says_so(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let _pages = [cluster.page_with(0, ROOM).await, cluster.page_with(1, ROOM).await];
    let listed = cluster.get(0, "/v1/sockets?limit=1").await;
    assert_eq!((listed["sockets"].as_array().unwrap().len(), &listed["more"]), (1, &json!(true)));
    let listed = cluster.get(0, "/v1/sockets?limit=2").await;
    assert_eq!((listed["sockets"].as_array().unwrap().len(), listed.get("more")), (2, None));
    for path in ["/v1/sockets?limit=0", "/v1/sockets?limit=10001", "/v1/rooms?limit=0"] {
        let (status, _) = cluster.ask(0, Method::GET, path, "").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    cluster.stop_all().await;
}

async fn members_are_summed_over_all_nodes(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let _pages = [cluster.page_with(0, ROOM).await, cluster.page_with(1, ROOM).await];
    let _one = cluster.page_with(1, "namespace=/&room=alone").await;
    let alone = json!({ "namespace": "/", "room": "alone", "sockets": 1 });
    let news = json!({ "namespace": "/notice", "room": "news", "sockets": 2 });
    assert_eq!(cluster.get(0, "/v1/rooms").await, json!({ "rooms": [alone, news] }));
    let first = cluster.get(0, "/v1/rooms?limit=1").await;
    assert_eq!(first, json!({ "rooms": [alone], "more": true }));
    let of_one = cluster.get(1, "/v1/rooms?namespace=/notice").await;
    assert_eq!(of_one, json!({ "rooms": [news] }));
    cluster.stop_all().await;
}

async fn every_node_lists_all_nodes(bus: Bus) {
    let mut cluster = Cluster::of(2, bus).await;
    let _page = cluster.page_with(1, USER).await;
    let seen = async {
        loop {
            let nodes = cluster.get(0, "/v1/nodes").await["nodes"].clone();
            let nodes = nodes.as_array().unwrap().clone();
            assert_eq!(nodes.len(), 2);
            let here = nodes.iter().filter(|node| node["this"] == json!(true));
            assert_eq!(here.count(), 1);
            let other = nodes.iter().find(|node| node.get("this").is_none()).unwrap().clone();
            if other["sockets"] == json!(1) {
                return other;
            }
            time::sleep(time::Duration::from_millis(20)).await;
        }
    };
    let other = time::timeout(DEADLINE, seen).await.expect("the other lets itself be known");
    assert_eq!(other["roles"], json!(["gateway", "ingest"]));
    assert_eq!(other["version"], json!(env!("CARGO_PKG_VERSION")));
    assert!(other["headroom"].as_u64().unwrap() > 0);
    cluster.stop(1).await;
    assert_eq!(cluster.get(0, "/v1/nodes").await["nodes"].as_array().unwrap().len(), 1);
    cluster.stop_all().await;
}

async fn a_socket_joins_and_leaves_on_whatever_node_it_sits(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut page = cluster.page_with(1, USER).await;
    let id = cluster.socket_of(1).await;
    let order = json!({ "socket": id, "namespace": "/notice", "rooms": ["a", "b"] });
    for node in 0..2 {
        assert_eq!(cluster.done(node, "join", &order).await, json!({ "sockets": 1 }));
    }
    let emit = json!({ "to": { "room": "b" }, "namespace": "/notice", "event": "e", "data": 1 });
    cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!(page.event("e").await, json!(1));
    let order = json!({ "socket": id, "namespace": "/notice", "rooms": ["b"] });
    assert_eq!(cluster.done(0, "leave", &order).await, json!({ "sockets": 1 }));
    let rooms = cluster.get(0, "/v1/rooms").await;
    assert_eq!(rooms["rooms"], json!([{ "namespace": "/notice", "room": "a", "sockets": 1 }]));
    cluster.stop_all().await;
}

async fn sockets_of_a_user_join_on_all_nodes(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut pages = [cluster.page_with(0, USER).await, cluster.page_with(1, USER).await];
    let order = json!({ "user": 5, "namespace": "/notice", "rooms": ["a"] });
    assert_eq!(cluster.done(0, "join", &order).await, json!({ "sockets": 2 }));
    let emit = json!({ "to": { "room": "a" }, "namespace": "/notice", "event": "e", "data": 1 });
    cluster.post(1, "/v1/emit", &emit).await;
    for page in &mut pages {
        assert_eq!(page.event("e").await, json!(1));
    }
    let order = json!({ "room": "a", "namespace": "/notice", "rooms": ["a"] });
    assert_eq!(cluster.done(1, "leave", &order).await, json!({ "sockets": 2 }));
    assert_eq!(cluster.get(0, "/v1/rooms").await, json!({ "rooms": [] }));
    assert_eq!(cluster.done(1, "leave", &order).await, json!({ "sockets": 0 }));
    cluster.stop_all().await;
}

async fn an_emit_to_a_socket_of_another_node_reaches_it_in_order(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut page = cluster.page_with(1, USER).await;
    let id = cluster.socket_of(1).await;
    let home = cluster.get(1, "/v1/sockets").await["sockets"][0]["node"].clone();
    let emit = |n: u32, scope: &str| {
        json!({
            "to": { "socket": id }, "namespace": "/notice", "event": "e", "data": n, "scope": scope,
        })
    };
    for n in 0..20 {
        let (status, answer) = cluster.post(0, "/v1/emit", &emit(n, "cluster")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!((&answer["nodes"], &answer["sockets"]), (&json!(1), &json!(1)));
        assert_eq!(answer["node"], home);
    }
    for n in 0..20 {
        assert_eq!(page.event("e").await, json!(n));
    }
    let (status, _) = cluster.post(0, "/v1/emit", &emit(0, "local")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    cluster.stop_all().await;
}

async fn a_socket_that_is_nowhere_is_unknown(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let _page = cluster.page_with(1, USER).await;
    let there = cluster.socket_of(1).await;
    // One that no node made, and one that its node does not know.
    for id in ["nobody", &format!("{}x", &there[..6])] {
        let emit = json!({ "to": { "socket": id }, "event": "e" });
        assert_eq!(cluster.post(0, "/v1/emit", &emit).await.0, StatusCode::NOT_FOUND);
        let order = json!({ "socket": id });
        let (status, answer) = cluster.post(0, "/v1/sockets/disconnect", &order).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
        assert_eq!(answer["error"]["code"], json!("unknown_socket"));
    }
    cluster.stop_all().await;
}

async fn a_closed_socket_hears_why_before_its_transport_closes(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut pages = [cluster.page_with(0, USER).await, cluster.page_with(1, USER).await];
    let order =
        json!({ "user": "5", "namespace": "/notice", "close": true, "reason": "signed out" });
    assert_eq!(cluster.done(0, "disconnect", &order).await, json!({ "sockets": 2 }));
    for page in &mut pages {
        assert_eq!(page.event("disconnecting").await["reason"], json!("signed out"));
        let closed = time::timeout(DEADLINE, page.try_next()).await.expect("it closes");
        assert_eq!(closed, None);
    }
    cluster.stop_all().await;
}

async fn a_kicked_socket_leaves_one_namespace_and_keeps_the_other(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let mut stock = Stock::open(&cluster, 1).await;
    stock.join("/").await;
    stock.join("/notice").await;
    let order = json!({ "user": "5", "namespace": "/notice", "reason": "spam" });
    assert_eq!(cluster.done(0, "disconnect", &order).await, json!({ "sockets": 1 }));
    let mut heard = stock.next().await;
    while heard.contains("downmsg") {
        heard = stock.next().await;
    }
    let expected = r#"42/notice,["departing",{"reason":"spam","retry_after_ms":1000}]"#;
    assert_eq!(heard, expected);
    assert_eq!(stock.next().await, "41/notice,");
    let emit = json!({ "to": { "user": 5 }, "event": "still", "data": 1 });
    cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!(stock.next().await, r#"42["still",1]"#);
    let left = cluster.get(0, "/v1/sockets").await;
    assert_eq!(left["sockets"].as_array().unwrap().len(), 1);
    assert_eq!(left["sockets"][0]["namespace"], json!("/"));
    cluster.stop_all().await;
}

async fn a_socket_that_disconnected_is_listed_no_more(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let page = cluster.page_with(1, USER).await;
    drop(page);
    let gone = async {
        while cluster.get(0, "/v1/sockets").await != json!({ "sockets": [] }) {
            time::sleep(time::Duration::from_millis(20)).await;
        }
    };
    time::timeout(DEADLINE, gone).await.expect("it is gone");
    cluster.stop_all().await;
}

#[tokio::test]
async fn without_redis_what_concerns_one_node_goes_on_there() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    let mut page = cluster.page_with(0, USER).await;
    let id = cluster.socket_of(0).await;
    cluster.redis().stop();
    cluster.metric_is(0, "carillon_redis_up ", 0.0).await;
    let emit = json!({ "to": { "socket": id }, "namespace": "/notice", "event": "e", "data": 1 });
    assert_eq!(cluster.post(0, "/v1/emit", &emit).await.0, StatusCode::OK);
    assert_eq!(page.event("e").await, json!(1));
    assert_eq!(cluster.socket_of(0).await, id);
    for path in ["/v1/sockets", "/v1/rooms", "/v1/nodes"] {
        let (status, answer) = cluster.ask(0, Method::GET, path, "").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {answer}");
    }
    let order = json!({ "socket": id, "namespace": "/notice", "close": true });
    assert_eq!(cluster.done(0, "disconnect", &order).await, json!({ "sockets": 1 }));
    assert_eq!(page.event("disconnecting").await["reason"], json!("kicked"));
    cluster.stop_all().await;
}
