//! A cluster in one process, and its pages.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use carillon::{Config, Node, Settings, SharedBus};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinSet, time};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

const SEATED: &str = "carillon_handshakes_total{outcome=\"seated\"} ";

/// Which bus a cluster is on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bus {
    Embedded,
    Redis,
}

/// Nodes on one bus, numbered from 0.
pub(crate) struct Cluster {
    nodes: Vec<Option<Member>>,
    client: Client<HttpConnector, Full<Bytes>>,
    redis: Option<Server>,
    /// The bus in memory.
    _running: JoinSet<()>,
}

struct Member {
    node: Node,
    stop: CancellationToken,
}

/// One plain client of a user's notices, connected.
pub(crate) struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Cluster {
    pub(crate) async fn of(len: usize, bus: Bus) -> Self {
        let mut running = JoinSet::new();
        let redis = match bus {
            Bus::Embedded => None,
            Bus::Redis => Some(Server::start(&[]).await),
        };
        if let Some(redis) = &redis {
            redis.settle("carillon").await;
        }
        let url = redis.as_ref().map(Server::url).unwrap_or_default();
        let config = config(&url);
        let shared = SharedBus::new(&config).unwrap();
        let bus = shared.clone();
        running.spawn(async move { bus.run(CancellationToken::new()).await });
        let mut nodes = Vec::new();
        for _ in 0..len {
            let stop = CancellationToken::new();
            let asked = stop.clone().cancelled_owned();
            let node = match redis {
                Some(_) => Node::start(config.clone(), asked).await,
                None => Node::start_beside(&shared, config.clone(), asked).await,
            };
            nodes.push(Some(Member { node: node.unwrap(), stop }));
        }
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { nodes, client, redis, _running: running }
    }

    pub(crate) fn redis(&mut self) -> &mut Server {
        self.redis.as_mut().expect("the cluster is over Redis")
    }

    fn node(&self, node: usize) -> &Node {
        &self.nodes[node].as_ref().expect("the node runs").node
    }

    pub(crate) async fn ask(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> (StatusCode, Value) {
        let url = format!("http://{}{path}", self.node(node).internal_addr());
        self.try_ask(method, url, body.into()).await.expect("the node answers")
    }

    async fn try_ask(
        &self,
        method: Method,
        url: String,
        body: Bytes,
    ) -> Option<(StatusCode, Value)> {
        let request = Request::builder().method(method).uri(url).body(Full::new(body));
        let answer = self.client.request(request.unwrap());
        let answer = time::timeout(DEADLINE, answer).await.expect("an answer in time").ok()?;
        let status = answer.status();
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    pub(crate) async fn post(&self, node: usize, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(node, Method::POST, path, body.to_string()).await
    }

    /// Hands in the end of a task of user 5; whether it was accepted. A node that is gone accepts
    /// nothing.
    pub(crate) async fn end(&self, node: usize, identity: &str) -> bool {
        let url = format!("http://{}/v1/tasks", self.node(node).internal_addr());
        let answer = self.try_ask(Method::POST, url, message(identity, 1000).to_string().into());
        answer.await.is_some_and(|(status, _)| status == StatusCode::ACCEPTED)
    }

    /// One series of a node's metrics.
    pub(crate) async fn metric(&self, node: usize, series: &str) -> Option<f64> {
        let url = format!("http://{}/metrics", self.node(node).internal_addr());
        let request = Request::get(url).body(Full::default()).unwrap();
        let body = self.client.request(request).await.unwrap().into_body().collect().await;
        let text = String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap();
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// Waits until a node's series has this value.
    pub(crate) async fn metric_is(&self, node: usize, series: &str, value: f64) {
        let until = async {
            while self.metric(node, series).await != Some(value) {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(DEADLINE, until).await.expect("the metric gets there in time");
    }

    /// A page of user 5 on this node, seated.
    pub(crate) async fn page(&self, node: usize) -> Page {
        self.page_with(node, "namespace=/notice&user=5").await
    }

    pub(crate) async fn page_with(&self, node: usize, query: &str) -> Page {
        let seated = self.metric(node, SEATED).await.unwrap_or_default();
        let page = self.open(node, query).await;
        self.metric_is(node, SEATED, seated + 1.0).await;
        page
    }

    /// A page that may not be seated yet.
    pub(crate) async fn open(&self, node: usize, query: &str) -> Page {
        Page::at(&self.node(node).public_addr().unwrap().to_string(), query).await
    }

    /// Tells a node to stop, and goes on.
    pub(crate) fn tell_to_stop(&self, node: usize) {
        self.nodes[node].as_ref().expect("the node runs").stop.cancel();
    }

    /// Stops one node and waits for it.
    pub(crate) async fn stop(&mut self, node: usize) {
        let Member { node, stop } = self.nodes[node].take().expect("the node runs");
        stop.cancel();
        let stopped = node.stopped(std::future::pending());
        time::timeout(DEADLINE, stopped).await.expect("it stops in time").unwrap();
    }

    /// Makes a node vanish: what it holds it does not give back.
    pub(crate) async fn cut(&mut self, node: usize) {
        let Member { node, .. } = self.nodes[node].take().expect("the node runs");
        node.stopped(std::future::ready(())).await.unwrap();
    }

    /// Stops all that still run.
    pub(crate) async fn stop_all(mut self) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].is_some() {
                self.stop(node).await;
            }
        }
    }
}

impl Page {
    /// Connected to this address.
    pub(crate) async fn at(addr: &str, query: &str) -> Self {
        let url = format!("ws://{addr}/ws?{query}");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Self { socket }
    }

    /// Says `event` with these arguments.
    pub(crate) async fn say(&mut self, event: &str, args: &Value) {
        let said = json!({ "event": event, "args": args }).to_string();
        self.socket.send(Message::text(said)).await.unwrap();
    }

    /// The code of the next `downmsg`.
    pub(crate) async fn code(&mut self) -> String {
        self.event("downmsg").await["code"].as_str().unwrap().to_owned()
    }

    /// The next message, which must come; `None` when the socket has closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let message = time::timeout(DEADLINE, self.socket.next()).await;
            match message.expect("something comes in time")? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(_) => {}
                Err(_broken) => return None,
            }
        }
    }

    /// The first argument of the next event of this name; what comes before it is left out.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let message = self.next().await.expect("the socket stays open");
            if message["event"] == name {
                return message["args"][0].clone();
            }
        }
    }

    /// Waits until the end of each of these tasks was heard.
    pub(crate) async fn ends_of(&mut self, mut tasks: BTreeSet<String>) {
        while !tasks.is_empty() {
            let end = self.event("file.complete").await;
            tasks.remove(end["identity"].as_str().unwrap());
        }
    }
}

/// A worker's message about a task of user 5.
pub(crate) fn message(identity: &str, status: i32) -> Value {
    json!({ "identity": identity, "userIdentity": 5, "status": status })
}

fn config(redis_url: &str) -> Config {
    let settings = [
        ("public.addr", "127.0.0.1:0"),
        ("internal.addr", "127.0.0.1:0"),
        ("redis.url", redis_url),
        ("logins.lease", "2s"),
    ];
    Settings::of(settings).into_config().unwrap()
}
