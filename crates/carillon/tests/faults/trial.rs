//! A cluster under load while something happens to it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    caller::Caller,
    page::{DEADLINE, Page},
    process::Process,
};

const SEATED: &str = "carillon_handshakes_total{outcome=\"seated\"} ";
/// Between two messages of one worker.
const PAUSE: Duration = Duration::from_millis(10);

/// Nodes with one page of user 5 each, and one worker each that hands in ends all the time.
pub(crate) struct Trial {
    pub(crate) nodes: Vec<Process>,
    pub(crate) caller: Arc<Caller>,
    seen: Vec<Arc<Seen>>,
    work: Arc<Work>,
    running: JoinSet<()>,
}

/// What one page has seen.
#[derive(Default)]
struct Seen {
    ends: Mutex<BTreeSet<String>>,
    has_closed: AtomicBool,
}

/// What the workers did.
#[derive(Default)]
struct Work {
    accepted: Mutex<BTreeSet<String>>,
    refused: AtomicUsize,
    is_over: AtomicBool,
}

impl Trial {
    pub(crate) async fn of(nodes: Vec<Process>) -> Self {
        let caller = Arc::new(Caller::new());
        let mut running = JoinSet::new();
        let mut seen = Vec::new();
        for node in &nodes {
            let page = Page::open(&node.public, "namespace=/notice&user=5").await;
            caller.metric_is(&node.internal, SEATED, 1.0).await;
            let eyes = Arc::new(Seen::default());
            running.spawn(watch(page, Arc::clone(&eyes)));
            seen.push(eyes);
        }
        let work = Arc::new(Work::default());
        for (index, node) in nodes.iter().enumerate() {
            let (caller, work) = (Arc::clone(&caller), Arc::clone(&work));
            running.spawn(hand_in(index, node.internal.clone(), caller, work));
        }
        Self { nodes, caller, seen, work, running }
    }

    /// Waits until so many more ends were accepted.
    pub(crate) async fn accept(&self, more: usize) {
        let before = self.work.accepted.lock().len();
        self.until("more is accepted", || self.work.accepted.lock().len() >= before + more).await;
    }

    /// Waits until a worker was refused once more.
    pub(crate) async fn refuse(&self) {
        let before = self.work.refused.load(Ordering::Relaxed);
        self.until("a worker is refused", || self.work.refused.load(Ordering::Relaxed) > before)
            .await;
    }

    /// A local emit reaches the page of the node.
    pub(crate) async fn local_emit_arrives(&self, node: usize) {
        assert_eq!(self.emit_to(node, "local", "1").await["sockets"], 1);
    }

    /// An emit through this node, to every page.
    pub(crate) async fn emit(&self, node: usize, data: &str) {
        self.emit_to(node, "cluster", data).await;
    }

    async fn emit_to(&self, node: usize, scope: &str, data: &str) -> Value {
        let emit = json!({
            "to": { "user": 5 }, "namespace": "/notice", "event": "flash", "data": data,
            "scope": scope,
        });
        let internal = &self.nodes[node].internal;
        let answer = self.caller.try_ask(Method::POST, internal, "/v1/emit", emit.to_string());
        let (status, answer) = answer.await.expect("the node answers");
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// Kills a node, and counts on its page and its worker no more.
    pub(crate) async fn lose(&mut self, node: usize) {
        let mut lost = self.nodes.remove(node);
        self.seen.remove(node);
        lost.kill().await;
    }

    /// Stops the workers; every page must have every end that was accepted, and be connected still.
    pub(crate) async fn ends_well(mut self) -> Vec<Process> {
        self.work.is_over.store(true, Ordering::Relaxed);
        let accepted = || self.work.accepted.lock().clone();
        for (index, seen) in self.seen.iter().enumerate() {
            let has_all = || accepted().is_subset(&seen.ends.lock());
            let missing = || accepted().difference(&seen.ends.lock()).cloned().collect::<Vec<_>>();
            let in_time = timeout(DEADLINE, condition(has_all)).await.is_ok();
            assert!(in_time, "page {index} misses {:?} of {}", missing(), accepted().len());
            assert!(!seen.has_closed.load(Ordering::Relaxed), "page {index} was cut");
        }
        self.running.abort_all();
        self.nodes
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        timeout(DEADLINE, condition(is_so)).await.unwrap_or_else(|_| panic!("{what}, in time"));
    }
}

async fn condition(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn watch(mut page: Page, seen: Arc<Seen>) {
    while let Some(message) = page.try_next().await {
        if message["event"] == "file.complete" {
            let identity = message["args"][0]["identity"].as_str().unwrap();
            seen.ends.lock().insert(identity.to_owned());
        }
    }
    seen.has_closed.store(true, Ordering::Relaxed);
}

/// Hands in one end after the other; what is refused is handed in again.
async fn hand_in(index: usize, internal: String, caller: Arc<Caller>, work: Arc<Work>) {
    let mut count = 0;
    while !work.is_over.load(Ordering::Relaxed) {
        let identity = format!("task{index}-{count}");
        if caller.hand_in(&internal, &end_of(&identity)).await {
            work.accepted.lock().insert(identity);
            count += 1;
        } else {
            work.refused.fetch_add(1, Ordering::Relaxed);
        }
        sleep(PAUSE).await;
    }
}

/// A worker's message about the end of a task of user 5.
pub(crate) fn end_of(identity: &str) -> Value {
    json!({ "identity": identity, "userIdentity": 5, "status": 1000 })
}
