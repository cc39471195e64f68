//! A cluster in one process.

use std::net::SocketAddr;

use carillon::{Config, Node, Settings, SharedBus};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use crate::{
    caller::Caller,
    page::{DEADLINE, Page},
    server::Server,
};

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
    caller: Caller,
    redis: Option<Server>,
    config: Config,
    shared: SharedBus,
    /// The bus in memory.
    _running: JoinSet<()>,
}

struct Member {
    node: Node,
    stop: CancellationToken,
}

impl Cluster {
    pub(crate) async fn of(len: usize, bus: Bus) -> Self {
        Self::set(len, bus, &[]).await
    }

    /// With settings of the test's own.
    pub(crate) async fn set(len: usize, bus: Bus, settings: &[(&str, &str)]) -> Self {
        let mut running = JoinSet::new();
        let redis = match bus {
            Bus::Embedded => None,
            Bus::Redis => Some(Server::start(&[]).await),
        };
        if let Some(redis) = &redis {
            redis.settle("carillon").await;
        }
        let url = redis.as_ref().map(Server::url).unwrap_or_default();
        let config = config(&url, settings);
        let shared = SharedBus::new(&config).unwrap();
        let bus = shared.clone();
        running.spawn(async move { bus.run(CancellationToken::new()).await });
        let (nodes, caller) = (Vec::new(), Caller::new());
        let mut cluster = Self { nodes, caller, redis, config, shared, _running: running };
        for _ in 0..len {
            cluster.join().await;
        }
        cluster
    }

    /// Starts one more node, and gives its number.
    pub(crate) async fn join(&mut self) -> usize {
        let stop = CancellationToken::new();
        let (asked, config) = (stop.clone().cancelled_owned(), self.config.clone());
        let node = match self.redis {
            Some(_) => Box::pin(Node::start(config, asked)).await,
            None => Box::pin(Node::start_beside(&self.shared, config, asked)).await,
        };
        self.nodes.push(Some(Member { node: node.unwrap(), stop }));
        self.nodes.len() - 1
    }

    pub(crate) fn redis(&mut self) -> &mut Server {
        self.redis.as_mut().expect("the cluster is over Redis")
    }

    fn node(&self, node: usize) -> &Node {
        &self.nodes[node].as_ref().expect("the node runs").node
    }

    pub(crate) fn public(&self, node: usize) -> SocketAddr {
        self.node(node).public_addr().expect("it has sockets")
    }

    fn internal(&self, node: usize) -> String {
        self.node(node).internal_addr().to_string()
    }

    pub(crate) async fn ask(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let internal = self.internal(node);
        let answer = self.caller.try_ask(method, &internal, path, body.to_owned());
        answer.await.expect("the node answers")
    }

    pub(crate) async fn post(&self, node: usize, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask(node, Method::POST, path, &body.to_string()).await
    }

    /// What the public port says to the same.
    pub(crate) async fn post_public(&self, node: usize, path: &str, body: &Value) -> StatusCode {
        let public = self.public(node).to_string();
        let answer = self.caller.try_send(Method::POST, &public, path, body.to_string());
        answer.await.expect("the node answers").status()
    }

    /// Hands in the end of a task of user 5; whether it was accepted.
    pub(crate) async fn end(&self, node: usize, identity: &str) -> bool {
        self.caller.hand_in(&self.internal(node), &message(identity, 1000)).await
    }

    /// Waits until a node's series has this value.
    pub(crate) async fn metric_is(&self, node: usize, series: &str, value: f64) {
        self.caller.metric_is(&self.internal(node), series, value).await;
    }

    /// One series of a node's metrics, as it is.
    pub(crate) async fn metric(&self, node: usize, series: &str) -> Option<f64> {
        self.caller.metric(&self.internal(node), series).await
    }

    /// A page of user 5 on this node, seated.
    pub(crate) async fn page(&self, node: usize) -> Page {
        self.page_with(node, "namespace=/notice&user=5").await
    }

    pub(crate) async fn page_with(&self, node: usize, query: &str) -> Page {
        let internal = self.internal(node);
        let seated = self.caller.metric(&internal, SEATED).await.unwrap_or_default();
        let public = self.node(node).public_addr().unwrap().to_string();
        let page = Page::open(&public, query).await;
        self.caller.metric_is(&internal, SEATED, seated + 1.0).await;
        page
    }

    /// A page that may not be seated yet.
    pub(crate) async fn open(&self, node: usize, query: &str) -> Page {
        Page::open(&self.node(node).public_addr().unwrap().to_string(), query).await
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

/// A worker's message about a task of user 5.
pub(crate) fn message(identity: &str, status: i32) -> Value {
    json!({ "identity": identity, "userIdentity": 5, "status": status })
}

fn config(redis_url: &str, more: &[(&str, &str)]) -> Config {
    let settings = [
        ("public.addr", "127.0.0.1:0"),
        ("internal.addr", "127.0.0.1:0"),
        ("redis.url", redis_url),
        ("leases.login", "2s"),
        ("drain.delay", "0s"),
    ];
    Settings::of(settings.iter().chain(more).copied()).into_config().unwrap()
}
