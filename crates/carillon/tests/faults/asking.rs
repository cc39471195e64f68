//! What one node asks of another whose road to Redis is long.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    caller::Caller,
    detour::Detour,
    page::{DEADLINE, Page},
    process::Process,
    server::Server,
};

const SEATED: &str = "carillon_handshakes_total{outcome=\"seated\"} ";
const USER: &str = "namespace=/notice&user=5";

/// Two nodes, of which one can be moved far from Redis, and a caller.
struct Pair {
    near: Process,
    far: Process,
    caller: Caller,
    road: Detour,
    _redis: Server,
}

impl Pair {
    async fn start() -> Self {
        let redis = Server::start(&[]).await;
        redis.settle("carillon").await;
        let road = Detour::to(redis.port(), Duration::ZERO).await;
        let near = Process::start(&[("redis.url", redis.url().as_str())]).await;
        let far = Process::start(&[("redis.url", road.url().as_str())]).await;
        Self { near, far, caller: Caller::new(), road, _redis: redis }
    }

    async fn post(&self, node: &Process, path: &str, body: &Value) -> (StatusCode, Value) {
        let body = body.to_string();
        let answer = self.caller.try_ask(Method::POST, &node.internal, path, body).await;
        answer.expect("it answers")
    }

    /// All sockets, as the near node lists them.
    async fn listed(&self) -> Value {
        let near = &self.near.internal;
        let answer = self.caller.try_ask(Method::GET, near, "/v1/sockets", String::new()).await;
        answer.expect("it answers").1
    }

    /// A page on the far node, of which the near one knows.
    async fn page(&self) -> Page {
        let page = Page::open(&self.far.public, USER).await;
        self.caller.metric_is(&self.far.internal, SEATED, 1.0).await;
        let known = async {
            while self.listed().await["sockets"].as_array().is_none_or(Vec::is_empty) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, known).await.expect("it is listed");
        page
    }

    /// Waits until a question through the far node is heard by both.
    async fn hear_each_other(&self) {
        let nobody =
            json!({ "to": { "user": "nobody" }, "event": "e", "ack": { "timeout": "1s" } });
        let both = json!({ "acks": [], "missing": 0, "nodes": 2 });
        let heard = async { while self.post(&self.far, "/v1/emit", &nobody).await.1 != both {} };
        timeout(DEADLINE, heard).await.expect("they hear each other in time");
    }

    async fn stop(self) {
        self.near.stop().await;
        self.far.stop().await;
    }
}

#[tokio::test]
async fn a_long_order_delays_no_other_answer() {
    let pair = Pair::start().await;
    let _page = pair.page().await;
    pair.road.takes(Duration::from_millis(100));
    let rooms: Vec<_> = (0..20).map(|room| format!("room{room}")).collect();
    let order = json!({ "user": 5, "namespace": "/notice", "rooms": rooms });
    let ordering = pair.post(&pair.near, "/v1/sockets/join", &order);
    let ((status, _), ()) = tokio::join!(ordering, async {
        // Each room takes the far node 200 ms.
        let mut joined = 0;
        while joined == 0 {
            let listed = pair.listed().await;
            assert_eq!(listed.get("missing"), None, "{listed}");
            joined = listed["sockets"][0]["rooms"].as_array().unwrap().len();
        }
        assert!(joined < rooms.len(), "the order was over when the others were answered");
    });
    assert_eq!(status, StatusCode::OK);
    pair.stop().await;
}

/// Asked through the far node, a question reaches the near one after three ways, and its answers take a fourth.
#[tokio::test]
async fn a_socket_has_its_time_however_long_the_question_was_on_its_way() {
    let pair = Pair::start().await;
    let mut page = Page::open(&pair.near.public, USER).await;
    pair.hear_each_other().await;
    pair.road.takes(Duration::from_millis(400));
    let question = json!({
        "to": { "user": 5 }, "namespace": "/notice", "event": "question", "ack": { "timeout": "3s" },
    });
    let asking = pair.post(&pair.far, "/v1/emit", &question);
    let ((_, answer), ()) = tokio::join!(asking, async {
        let ack = page.question().await;
        // Within the page's three seconds, and past the asker's, counted from the call.
        sleep(Duration::from_millis(2700)).await;
        page.send(&json!({ "ack": ack, "args": ["late"] })).await;
    });
    assert_eq!((&answer["missing"], &answer["acks"][0]["data"]), (&json!(0), &json!("late")));
    pair.stop().await;
}

impl Page {
    /// The number to answer the next question by.
    async fn question(&mut self) -> Value {
        loop {
            let message = self.next().await;
            if message["event"] == "question" {
                return message["ack"].clone();
            }
        }
    }
}
