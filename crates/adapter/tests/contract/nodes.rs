//! Who lives, and what nodes ask each other.

use std::time::Duration;

use adapter::{Answers, Config, Request, SignalError};
use bytes::Bytes;
use notice::NodeId;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::subject::{DEADLINE, Node, Subject};

/// Longer than any test that nobody waits in.
pub(crate) const LONG: Duration = Duration::from_secs(15);

pub(crate) fn id(name: &str) -> NodeId {
    NodeId::new(name).expect("a node")
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

impl Node {
    /// The living nodes, each with what it announced.
    pub(crate) async fn living(&self) -> Vec<(String, String)> {
        let living = self.link.nodes.living().await.expect("the bus answers");
        let mut living: Vec<_> = living
            .into_iter()
            .map(|living| (living.node.to_string(), String::from_utf8_lossy(&living.about).into()))
            .collect();
        living.sort();
        living
    }

    /// Waits until these nodes live and no other.
    pub(crate) async fn sees<S: Subject>(&self, bus: &S, names: &[&str]) {
        let seen = async {
            while self.living().await.iter().map(|(name, _)| name).ne(names) {
                bus.pass(Duration::from_millis(10)).await;
            }
        };
        timeout(DEADLINE, seen).await.unwrap_or_else(|_| panic!("not just {names:?} live"));
    }

    pub(crate) async fn ask_all(&self, question: &str, wait: Duration) -> Answers {
        let asking = self.link.nodes.ask_all(bytes(question), wait);
        timeout(DEADLINE, asking)
            .await
            .expect("it is not waited for long")
            .expect("the bus answers")
    }

    pub(crate) async fn ask(&self, node: &str, question: &str, wait: Duration) -> Option<String> {
        let node = id(node);
        let asking = self.link.nodes.ask(&node, bytes(question), wait);
        let asked = timeout(DEADLINE, asking).await.expect("it is not waited for long");
        asked.expect("the bus answers").map(|answer| String::from_utf8_lossy(&answer).into())
    }

    pub(crate) async fn request(&mut self) -> Request {
        let request = timeout(DEADLINE, self.link.requests.next()).await;
        request.expect("a question comes").expect("the node is on the bus")
    }

    /// Answers `count` questions with itself and what was asked.
    async fn answer(&mut self, name: &str, count: usize) {
        for _ in 0..count {
            let request = self.request().await;
            let text = String::from_utf8_lossy(&request.question).into_owned();
            request.answer(bytes(&format!("{name}: {text}"))).await;
        }
    }
}

pub(crate) fn texts(answers: &Answers) -> Vec<(String, String)> {
    let texts = answers.answers.iter();
    texts.map(|(node, text)| (node.to_string(), String::from_utf8_lossy(text).into())).collect()
}

pub(crate) async fn every_node_is_listed_with_what_it_announced<S: Subject>() {
    let (bus, node) = S::one().await;
    let a = bus.link_as("a").await;
    let quiet = |name: &str| (name.to_owned(), String::new());
    assert_eq!(node.living().await, [quiet("a"), quiet("node")]);
    a.link.nodes.announce(bytes("about\na"));
    let announced = async {
        while node.living().await[0].1 != "about\na" {
            bus.pass(Duration::from_millis(10)).await;
        }
        a.link.nodes.announce(bytes("news"));
        while node.living().await[0].1 != "news" {
            bus.pass(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, announced).await.expect("what is announced is seen");
    assert_eq!(a.living().await, node.living().await);
}

pub(crate) async fn a_node_that_leaves_in_order_is_gone_at_once<S: Subject>() {
    let config = Config { node_lease: Duration::from_hours(1), ..S::config() };
    let (bus, node) = S::one_with(config).await;
    let leaving = bus.link_as("leaving").await;
    node.sees(&bus, &["leaving", "node"]).await;
    drop(leaving.link.inbox);
    node.sees(&bus, &["node"]).await;
}

pub(crate) async fn a_living_node_stays_listed_past_its_lease<S: Subject>() {
    let (bus, node) = S::one().await;
    let _other = bus.link_as("other").await;
    for _ in 0..10 {
        bus.pass(S::config().node_lease / 4).await;
        assert_eq!(node.living().await.len(), 2);
    }
}

pub(crate) async fn a_question_to_all_is_answered_by_every_other_node<S: Subject>() {
    let (bus, node) = S::one().await;
    let (mut a, mut b) = (bus.link_as("a").await, bus.link_as("b").await);
    let asking = node.ask_all("who?", LONG);
    let (answers, (), ()) = tokio::join!(asking, a.answer("a", 1), b.answer("b", 1));
    let expected = [("a".to_owned(), "a: who?".to_owned()), ("b".to_owned(), "b: who?".to_owned())];
    assert_eq!(texts(&answers), expected);
    assert_eq!(answers.missing, []);
}

pub(crate) async fn a_question_to_one_node_is_answered_by_it<S: Subject>() {
    let (bus, node) = S::one().await;
    let (mut a, mut b) = (bus.link_as("a").await, bus.link_as("b").await);
    let (answer, ()) = tokio::join!(node.ask("a", "1", LONG), a.answer("a", 1));
    assert_eq!(answer.as_deref(), Some("a: 1"));
    // The first question that b hears is its own.
    let (answer, ()) = tokio::join!(node.ask("b", "2", LONG), b.answer("b", 1));
    assert_eq!(answer.as_deref(), Some("b: 2"));
}

pub(crate) async fn a_node_that_does_not_answer_in_time_is_missing<S: Subject>() {
    let (bus, node) = S::one().await;
    let (mut a, _silent) = (bus.link_as("a").await, bus.link_as("silent").await);
    let (wait, began) = (Duration::from_millis(300), Instant::now());
    let (answers, ()) = tokio::join!(node.ask_all("who?", wait), a.answer("a", 1));
    assert_eq!(texts(&answers), [("a".to_owned(), "a: who?".to_owned())]);
    assert_eq!(answers.missing, [id("silent")]);
    assert!(began.elapsed() >= wait && began.elapsed() < LONG, "{:?}", began.elapsed());
    assert_eq!(node.ask("silent", "and now?", wait).await, None);
}

pub(crate) async fn a_node_that_takes_no_requests_is_not_missed<S: Subject>() {
    let (bus, node) = S::one().await;
    let deaf = bus.link_as("deaf").await;
    drop(deaf.link.requests);
    let began = Instant::now();
    let answers = node.ask_all("who?", LONG).await;
    assert_eq!((answers.answers.len(), answers.missing.len()), (0, 0));
    assert_eq!(node.ask("deaf", "who?", LONG).await, None);
    assert!(began.elapsed() < LONG / 2, "{:?}", began.elapsed());
    node.sees(&bus, &["deaf", "node"]).await;
}

pub(crate) async fn a_node_that_is_gone_is_not_waited_for<S: Subject>() {
    let (bus, node) = S::one().await;
    let leaving = bus.link_as("leaving").await;
    drop(leaving.link.inbox);
    node.sees(&bus, &["node"]).await;
    let began = Instant::now();
    let answers = node.ask_all("who?", LONG).await;
    assert_eq!((answers.answers.len(), answers.missing.len()), (0, 0));
    assert_eq!(node.ask("leaving", "who?", LONG).await, None);
    assert_eq!(node.ask("never was", "who?", LONG).await, None);
    assert!(began.elapsed() < LONG / 2, "{:?}", began.elapsed());
}

pub(crate) async fn the_questions_of_one_asker_come_in_order<S: Subject>() {
    let (bus, mut node) = S::one().await;
    let asker = bus.link_as("asker").await;
    let asking = async {
        let mut answers = Vec::new();
        for number in 0..50 {
            answers.push(asker.ask("node", &number.to_string(), LONG).await);
        }
        answers
    };
    let (answers, ()) = tokio::join!(asking, node.answer("node", 50));
    let expected: Vec<_> = (0..50).map(|number| Some(format!("node: {number}"))).collect();
    assert_eq!(answers, expected);
}

pub(crate) async fn a_question_that_nobody_waits_for_any_more_is_not_handed_out<S: Subject>() {
    let (bus, mut node) = S::one().await;
    let asker = bus.link_as("asker").await;
    assert_eq!(asker.ask("node", "late", Duration::from_millis(50)).await, None);
    bus.pass(Duration::from_millis(50)).await;
    let (answer, ()) = tokio::join!(asker.ask("node", "in time", LONG), node.answer("node", 1));
    assert_eq!(answer.as_deref(), Some("node: in time"));
}

pub(crate) async fn a_node_with_too_many_questions_refuses_at_once<S: Subject>() {
    const EACH: usize = 200;
    const PLACES: usize = 256;
    let (bus, _busy) = S::one().await;
    let (a, b) = (bus.link_as("a").await, bus.link_as("b").await);
    let mut asking = JoinSet::new();
    for nodes in [&a.link.nodes, &b.link.nodes] {
        for _ in 0..EACH {
            let nodes = nodes.clone();
            asking.spawn(async move { nodes.ask(&id("node"), bytes("?"), LONG).await });
        }
    }
    let began = Instant::now();
    for _ in PLACES..2 * EACH {
        let asked = timeout(DEADLINE, asking.join_next()).await.expect("it is refused at once");
        let asked = asked.expect("there are more").expect("nothing panics");
        assert_eq!(asked.expect("the bus answers"), None);
    }
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
}

pub(crate) async fn one_question_too_many_at_once_is_refused<S: Subject>() {
    const PLACES: usize = 256;
    let (bus, _silent) = S::one().await;
    let asker = bus.link_as("asker").await;
    let mut asking = JoinSet::new();
    for _ in 0..=PLACES {
        let nodes = asker.link.nodes.clone();
        asking.spawn(async move { nodes.ask(&id("node"), bytes("?"), LONG).await });
    }
    let refused = async {
        loop {
            match asking.join_next().await.expect("there are more").expect("nothing panics") {
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    };
    let error = timeout(DEADLINE, refused).await.expect("one is refused at once");
    assert!(matches!(error, SignalError::Full { len_max: PLACES, .. }), "{error}");
    assert!(error.is_transient());
}

pub(crate) async fn an_answer_past_the_limit_counts_as_missing<S: Subject>() {
    const LIMIT: usize = 4 * 1024 * 1024;
    let (bus, node) = S::one().await;
    let mut other = bus.link_as("other").await;
    for (len, answers_len) in [(LIMIT + 1, 0), (LIMIT, 1)] {
        let answering = async {
            let request = other.request().await;
            request.answer(Bytes::from(vec![b'x'; len])).await;
        };
        let began = Instant::now();
        let (answers, ()) = tokio::join!(node.ask_all("much?", LONG), answering);
        assert_eq!(answers.answers.len(), answers_len);
        assert_eq!(answers.missing.len(), 1 - answers_len);
        assert!(began.elapsed() < LONG, "it was waited for");
    }
}

pub(crate) async fn requests_end_when_the_node_has_left<S: Subject>() {
    let (_bus, node) = S::one().await;
    let mut requests = node.link.requests;
    drop(node.link.inbox);
    let ended = timeout(DEADLINE, requests.next()).await.expect("it ends");
    assert!(ended.is_none(), "{ended:?}");
}
