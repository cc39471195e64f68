//! Who hears what nodes let each other know.

use std::time::Duration;

use adapter::{SignalError, Watch};
use bytes::Bytes;
use tokio::time::timeout;

use crate::subject::{DEADLINE, Node, Subject};

const CHANNEL: &str = "acks#/notice";

impl Node {
    pub(crate) async fn watch(&self, channel: &str, len_max: usize) -> Watch {
        self.link.signals.watch(channel, len_max).await.expect("there is room to watch")
    }

    pub(crate) async fn signal(&self, channel: &str, text: &str) -> usize {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        self.link.signals.send(channel, bytes).await.expect("the bus carries it")
    }

    async fn listeners(&self, channel: &str) -> usize {
        self.link.signals.listeners(channel).await.expect("the bus answers")
    }
}

/// The text of the next signal, which must come.
pub(crate) async fn next(watch: &mut Watch) -> String {
    let bytes = timeout(DEADLINE, watch.next()).await.expect("a signal comes");
    String::from_utf8(bytes.expect("the watch goes on").to_vec()).expect("it is a text")
}

pub(crate) async fn whoever_watches_hears_and_nobody_else<S: Subject>() {
    let (bus, one) = S::one().await;
    let other = bus.link_as("other").await;
    let (mut mine, mut theirs) = (one.watch(CHANNEL, 10).await, other.watch(CHANNEL, 10).await);
    let mut elsewhere = other.watch("elsewhere", 10).await;
    assert_eq!(one.signal(CHANNEL, "both").await, 2);
    assert_eq!(one.signal("elsewhere", "other").await, 1);
    assert_eq!(one.signal("nowhere", "nobody").await, 0);
    assert_eq!(next(&mut mine).await, "both");
    assert_eq!(next(&mut theirs).await, "both");
    assert_eq!(next(&mut elsewhere).await, "other");
}

pub(crate) async fn a_node_counts_once_however_often_it_watches<S: Subject>() {
    let (bus, one) = S::one().await;
    let other = bus.link_as("other").await;
    let (mut first, mut second) = (one.watch(CHANNEL, 10).await, one.watch(CHANNEL, 10).await);
    let _theirs = other.watch(CHANNEL, 10).await;
    assert_eq!(one.listeners(CHANNEL).await, 2);
    assert_eq!(other.signal(CHANNEL, "once").await, 2);
    assert_eq!((next(&mut first).await, next(&mut second).await), ("once".into(), "once".into()));
}

pub(crate) async fn a_watch_that_is_dropped_counts_no_more<S: Subject>() {
    let (bus, node) = S::one().await;
    let (first, second) = (node.watch(CHANNEL, 10).await, node.watch(CHANNEL, 10).await);
    drop(first);
    bus.pass(Duration::from_millis(100)).await;
    assert_eq!(node.listeners(CHANNEL).await, 1);
    drop(second);
    let unheard = async {
        while node.listeners(CHANNEL).await > 0 {
            bus.pass(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, unheard).await.expect("nobody watches");
}

pub(crate) async fn a_channel_watched_again_is_heard_again<S: Subject>() {
    let (bus, node) = S::one().await;
    let other = bus.link_as("other").await;
    for turn in 0..20 {
        let mut watch = node.watch(CHANNEL, 10).await;
        let text = turn.to_string();
        assert_eq!(other.signal(CHANNEL, &text).await, 1, "turn {turn}");
        assert_eq!(next(&mut watch).await, text);
    }
}

pub(crate) async fn the_signals_of_one_sender_come_in_order<S: Subject>() {
    let (bus, node) = S::one().await;
    let mut watch = node.watch(CHANNEL, 1_000).await;
    let sender = bus.link_as("sender").await;
    for number in 0..500 {
        sender.signal(CHANNEL, &number.to_string()).await;
    }
    for number in 0..500 {
        assert_eq!(next(&mut watch).await, number.to_string());
    }
}

pub(crate) async fn a_full_watch_drops_the_newest<S: Subject>() {
    let (_bus, node) = S::one().await;
    let (mut tight, mut roomy) = (node.watch(CHANNEL, 2).await, node.watch(CHANNEL, 10).await);
    for number in 0..5 {
        node.signal(CHANNEL, &number.to_string()).await;
    }
    for number in 0..5 {
        assert_eq!(next(&mut roomy).await, number.to_string());
    }
    assert_eq!((next(&mut tight).await, next(&mut tight).await), ("0".into(), "1".into()));
    node.signal(CHANNEL, "5").await;
    assert_eq!(next(&mut tight).await, "5");
}

pub(crate) async fn a_signal_past_the_limit_is_refused_for_good<S: Subject>() {
    let (_bus, node) = S::one().await;
    let large = Bytes::from(vec![b'x'; 8 * 1024 * 1024 + 1]);
    let error = node.link.signals.send(CHANNEL, large).await.expect_err("it is too large");
    assert!(matches!(error, SignalError::TooLarge { .. }), "{error}");
    assert!(!error.is_transient());
}

pub(crate) async fn a_node_that_has_left_watches_nothing<S: Subject>() {
    let (bus, node) = S::one().await;
    let leaving = bus.link_as("leaving").await;
    let mut watch = leaving.watch(CHANNEL, 10).await;
    drop(leaving.link.inbox);
    let left = async {
        while node.signal(CHANNEL, "anybody?").await > 0 {
            bus.pass(Duration::from_millis(10)).await;
        }
        while watch.next().await.is_some() {}
    };
    timeout(DEADLINE, left).await.expect("the watch ends");
}
