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
    server::Server,
    writer,
};

const SEATED: &str = "carillon_handshakes_total{outcome=\"seated\"} ";
/// Between two messages of one worker.
const PAUSE: Duration = Duration::from_millis(10);

/// Nodes with one page of user 5 on each that ends sockets, those before the others; and workers.
pub(crate) struct Trial {
    pub(crate) nodes: Vec<Process>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) work: Arc<Work>,
    /// How long what must happen may take.
    pub(crate) patience: Duration,
    seen: Vec<Arc<Seen>>,
    running: JoinSet<()>,
}

/// What one page has seen.
#[derive(Default)]
struct Seen {
    ends: Mutex<BTreeSet<String>>,
    /// Progress of a task whose end was seen before.
    late: AtomicUsize,
    has_closed: AtomicBool,
}

/// What the workers did.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) accepted: Mutex<BTreeSet<String>>,
    pub(crate) refused: AtomicUsize,
    /// Writers to the stream that have not written everything.
    pub(crate) writing: AtomicUsize,
    is_over: AtomicBool,
}

impl Trial {
    /// With a worker at each node that hands in ends all the time.
    pub(crate) async fn of(nodes: Vec<Process>) -> Self {
        let mut trial = Self::without_workers(nodes).await;
        for (index, node) in trial.nodes.iter().enumerate() {
            let (caller, work) = (Arc::clone(&trial.caller), Arc::clone(&trial.work));
            trial.running.spawn(hand_in(index, node.internal.clone(), caller, work));
        }
        trial
    }

    pub(crate) async fn without_workers(nodes: Vec<Process>) -> Self {
        let caller = Arc::new(Caller::new());
        let mut running = JoinSet::new();
        let mut seen = Vec::new();
        for node in nodes.iter().filter(|node| node.public != "none") {
            let page = Page::open(&node.public, "namespace=/notice&user=5").await;
            caller.metric_is(&node.internal, SEATED, 1.0).await;
            let eyes = Arc::new(Seen::default());
            running.spawn(watch(page, Arc::clone(&eyes)));
            seen.push(eyes);
        }
        Self { nodes, caller, work: Arc::default(), patience: DEADLINE, seen, running }
    }

    /// Begins to write so many tasks to the stream, each with this much progress before its end.
    pub(crate) fn write(&mut self, redis: &Server, tasks: usize, progress: usize) {
        self.work.writing.fetch_add(1, Ordering::Relaxed);
        let name = self.work.writing.load(Ordering::Relaxed);
        let name = format!("written{name}-{}", self.work.accepted.lock().len());
        let messages = writer::messages(&name, tasks, progress);
        self.running.spawn(writer::write(redis.port(), messages, Arc::clone(&self.work)));
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
        if node < self.seen.len() {
            self.seen.remove(node);
        }
        lost.kill().await;
    }

    /// Stops the workers; every page must have every end that was accepted, and be connected still.
    pub(crate) async fn ends_well(mut self) -> Vec<Process> {
        self.work.is_over.store(true, Ordering::Relaxed);
        self.all_arrives().await;
        for (index, seen) in self.seen.iter().enumerate() {
            assert!(!seen.has_closed.load(Ordering::Relaxed), "page {index} was cut");
            assert_eq!(seen.late.load(Ordering::Relaxed), 0, "page {index} saw an end undone");
        }
        self.running.abort_all();
        self.nodes
    }

    /// Waits until all is written, and every page has every end that was accepted.
    pub(crate) async fn all_arrives(&self) {
        self.until_written().await;
        let accepted = || self.work.accepted.lock().clone();
        for (index, seen) in self.seen.iter().enumerate() {
            let has_all = || accepted().is_subset(&seen.ends.lock());
            let missing = || accepted().difference(&seen.ends.lock()).cloned().collect::<Vec<_>>();
            let in_time = timeout(self.patience, condition(has_all)).await.is_ok();
            assert!(in_time, "page {index} misses {:?} of {}", missing(), accepted().len());
        }
    }

    pub(crate) async fn until_written(&self) {
        self.until("all is written", || self.work.writing.load(Ordering::Relaxed) == 0).await;
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        timeout(self.patience, condition(is_so))
            .await
            .unwrap_or_else(|_| panic!("{what}, in time"));
    }
}

pub(crate) async fn condition(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn watch(mut page: Page, seen: Arc<Seen>) {
    while let Some(message) = page.try_next().await {
        let identity = &message["args"][0]["identity"];
        if message["event"] == "file.complete" {
            seen.ends.lock().insert(identity.as_str().unwrap().to_owned());
        } else if message["event"] == "file.progress" {
            let is_late = seen.ends.lock().contains(identity.as_str().unwrap());
            seen.late.fetch_add(usize::from(is_late), Ordering::Relaxed);
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
