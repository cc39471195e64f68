//! What nodes say to each other while nodes die, freeze, and lose their Redis.

use std::{thread, time::Duration};

use adapter::{Config, Link, SignalError};
use bytes::Bytes;
use notice::NodeId;
use prometheus::Registry;
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep, timeout},
};

use super::{DEADLINE, OverRedis, Running, connect};
use crate::{
    nodes::{LONG, id, texts},
    signals::next,
    subject::{Node, Subject},
};

const CHANNEL: &str = "acks";

/// A node whose tasks do not run any more while its connections stay open: as one stopped by SIGSTOP.
struct Frozen {
    runtime: Option<Runtime>,
    _link: Link,
}

impl Node {
    /// Waits until it is known to be living and says this of itself.
    async fn comes_to_say(&self, about: &str) {
        let said = async {
            while self.living().await.iter().all(|(_, said)| said != about) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(DEADLINE, said).await.unwrap_or_else(|_| panic!("{about} was never seen"));
    }
}

impl Frozen {
    async fn start(bus: &OverRedis, name: &str) -> Self {
        let (url, name) = (bus.server.url(), NodeId::new(name).expect("a node"));
        let (sender, started) = tokio::sync::oneshot::channel();
        let starting = move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("it starts");
            let link = runtime.block_on(async {
                let bus = connect(url, OverRedis::config(), &Registry::new()).await;
                bus.expect("it is a good Redis").link(name).await.expect("it takes one more")
            });
            sender.send((runtime, link)).ok();
        };
        thread::spawn(starting);
        let (runtime, link) = started.await.expect("it starts");
        Self { runtime: Some(runtime), _link: link }
    }

    /// Its connections break, and it has said nothing: as by SIGKILL.
    fn kill(&mut self) {
        self.runtime.take().expect("it is killed once").shutdown_background();
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[tokio::test]
async fn what_is_announced_while_a_node_has_other_things_to_do_is_seen_soon() {
    let config = Config { node_lease: DEADLINE * 10, ..OverRedis::config() };
    let (bus, node) = OverRedis::one_with(config).await;
    let announced = node.link.nodes.clone();
    // The second waits for its turn, in which a watch comes between.
    announced.announce(Bytes::from("first"));
    node.comes_to_say("first").await;
    announced.announce(Bytes::from("second"));
    sleep(Duration::from_millis(100)).await;
    let _watch = node.watch(CHANNEL, 1).await;
    node.comes_to_say("second").await;
    drop(bus);
}

#[tokio::test]
async fn a_killed_node_stalls_nobody_and_is_gone_after_its_lease() {
    let (bus, node) = OverRedis::one().await;
    let mut other = bus.link_as("other").await;
    let mut dead = Frozen::start(&bus, "dead").await;
    node.sees(&bus, &["dead", "node", "other"]).await;
    dead.kill();
    let began = Instant::now();
    // Redis may take a moment to see the connection break; from then on nobody waits.
    let unheard = async {
        while node.ask("dead", "?", Duration::from_millis(100)).await.is_some()
            || began.elapsed() < Duration::from_millis(100)
        {}
    };
    timeout(DEADLINE, unheard).await.expect("it is dead");
    let asked = Instant::now();
    let answering = async { other.request().await.answer(Bytes::from_static(b"here")).await };
    let (answers, ()) = tokio::join!(node.ask_all("who?", LONG), answering);
    assert!(asked.elapsed() < LONG / 3, "{:?}", asked.elapsed());
    assert_eq!(texts(&answers), [("other".to_owned(), "here".to_owned())]);
    node.sees(&bus, &["node", "other"]).await;
    let lease = OverRedis::config().node_lease;
    assert!(began.elapsed() < lease + Duration::from_secs(1), "{:?}", began.elapsed());
    let forgotten = async {
        while !bus.server.say("HLEN carillon:{nodes}:leases").await.starts_with(":2") {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, forgotten).await.expect("the next renewal forgets it");
}

#[tokio::test]
async fn a_frozen_node_costs_the_wait_and_is_gone_after_its_lease() {
    let (bus, node) = OverRedis::one().await;
    let mut other = bus.link_as("other").await;
    let frozen = Frozen::start(&bus, "frozen").await;
    let (wait, began) = (Duration::from_millis(300), Instant::now());
    let answering = async { other.request().await.answer(Bytes::from_static(b"here")).await };
    let (answers, ()) = tokio::join!(node.ask_all("who?", wait), answering);
    assert!(began.elapsed() < wait * 2, "{:?}", began.elapsed());
    assert_eq!(texts(&answers), [("other".to_owned(), "here".to_owned())]);
    assert_eq!(answers.missing, [id("frozen")]);
    node.sees(&bus, &["node", "other"]).await;
    let answering = async { other.request().await.answer(Bytes::from_static(b"here")).await };
    let (answers, ()) = tokio::join!(node.ask_all("who?", LONG), answering);
    assert_eq!(answers.missing, []);
    drop(frozen);
}

#[tokio::test]
async fn signals_and_questions_come_through_again_after_their_connection_was_cut() {
    let (bus, mut node) = OverRedis::one().await;
    let asker = bus.link_as("asker").await;
    let mut watch = node.watch(CHANNEL, 1_000).await;
    for cut in 1..=3 {
        bus.server.say("CLIENT KILL TYPE pubsub").await;
        let text = cut.to_string();
        timeout(DEADLINE, heard_at_last(&asker, &text)).await.expect("it watches again");
        assert_eq!(next(&mut watch).await, text);
        let answered = async {
            tokio::select! {
                () = answered_at_last(&asker) => {}
                () = answer_all(&mut node) => {}
            }
        };
        timeout(DEADLINE, answered).await.expect("it answers again");
    }
}

async fn answer_all(node: &mut Node) {
    loop {
        node.request().await.answer(Bytes::new()).await;
    }
}

/// Signals until somebody hears.
async fn heard_at_last(sender: &Node, text: &str) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    while sender.link.signals.send(CHANNEL, bytes.clone()).await.unwrap_or_default() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
}

/// Asks until there is an answer.
async fn answered_at_last(asker: &Node) {
    let (node, wait) = (id("node"), Duration::from_secs(1));
    while !matches!(asker.link.nodes.ask(&node, Bytes::new(), wait).await, Ok(Some(_))) {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn without_redis_everything_fails_at_once_and_goes_on_when_it_is_back() {
    let (mut bus, node) = OverRedis::lasting().await;
    let other = bus.link_as("other").await;
    let mut watch = node.watch(CHANNEL, 1_000).await;
    bus.server.stop();
    let began = Instant::now();
    let nodes = &node.link.nodes;
    let errors = [
        node.link.signals.send(CHANNEL, Bytes::new()).await.err(),
        node.link.signals.listeners(CHANNEL).await.err(),
        node.link.signals.watch("another", 1).await.err(),
        nodes.living().await.err(),
        nodes.ask_all(Bytes::new(), LONG).await.err(),
        nodes.ask(&id("other"), Bytes::new(), LONG).await.err(),
    ];
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    for error in errors {
        let error = error.expect("there is no Redis");
        assert!(matches!(error, SignalError::Unreachable) && error.is_transient(), "{error}");
    }
    bus.server.start_again().await;
    let back = async {
        while !matches!(nodes.living().await, Ok(living) if living.len() == 2) {
            sleep(Duration::from_millis(10)).await;
        }
        while !matches!(other.link.signals.send(CHANNEL, Bytes::from_static(b"x")).await, Ok(1)) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, back).await.expect("both come back");
    assert_eq!(next(&mut watch).await, "x");
}

#[tokio::test]
async fn a_stopped_bus_gives_back_the_leases_of_its_nodes() {
    let lease = Duration::from_hours(1);
    let (bus, _node) =
        OverRedis::one_with(Config { node_lease: lease, ..OverRedis::config() }).await;
    assert_eq!(bus.server.say("HLEN carillon:{nodes}:leases").await.lines().next(), Some(":1"));
    let OverRedis { running: Running { stop, mut tasks, .. }, server } = bus;
    drop(stop);
    let done = timeout(DEADLINE, tasks.join_next()).await.expect("run returns");
    done.expect("there was one task").expect("it did not panic");
    assert_eq!(server.say("HLEN carillon:{nodes}:leases").await.lines().next(), Some(":0"));
}

#[tokio::test]
async fn a_lease_taken_over_by_the_next_process_of_a_name_is_not_given_back_by_the_last() {
    let (bus, node) = OverRedis::one().await;
    let before: Node = bus.link_as("same").await;
    let _after = bus.link_as("same").await;
    drop(before.link.inbox);
    for _ in 0..20 {
        sleep(Duration::from_millis(10)).await;
        assert_eq!(node.living().await.len(), 2);
    }
}
