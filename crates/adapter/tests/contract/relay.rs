//! The road under socketioxide-redis: nothing of a burst is lost, and who has unsubscribed is gone.

use std::time::Duration;

use adapter::{RelayDriver, SignalError};
use futures_util::StreamExt;
use prometheus::Registry;
use socketioxide_redis::drivers::{ChanItem, Driver, MessageStream};
use tokio::time::timeout;

use crate::subject::{DEADLINE, Node, Subject};

const CHANNEL: &str = "ask-request#/#";
const BURST: u32 = 5_000;
const UNREAD_MAX: usize = 8_192;

fn relay(node: &Node) -> RelayDriver {
    RelayDriver::new(node.link.signals.clone(), &Registry::new()).expect("a registry of its own")
}

async fn subscribe(relay: &RelayDriver) -> MessageStream<ChanItem> {
    relay.subscribe(CHANNEL.to_owned(), UNREAD_MAX).await.expect("there is room to watch")
}

async fn next(stream: &mut MessageStream<ChanItem>) -> Vec<u8> {
    let (channel, bytes) =
        timeout(DEADLINE, stream.next()).await.expect("it comes").expect("it goes on");
    assert_eq!(channel, CHANNEL);
    bytes
}

pub(crate) async fn a_burst_arrives_whole_and_in_order_at_every_node<S: Subject>() {
    let (bus, node) = S::one().await;
    let other = bus.link_as("other").await;
    let (here, there) = (relay(&node), relay(&other));
    let (mut mine, mut theirs) = (subscribe(&here).await, subscribe(&there).await);
    assert_eq!(here.num_serv(CHANNEL).await.ok(), Some(2));
    for number in 0..BURST {
        let message = number.to_be_bytes().to_vec();
        here.publish(CHANNEL.to_owned(), message).await.expect("the queue has room");
    }
    for number in 0..BURST {
        assert_eq!(next(&mut mine).await, number.to_be_bytes());
        assert_eq!(next(&mut theirs).await, number.to_be_bytes());
    }
}

pub(crate) async fn who_has_unsubscribed_counts_no_more_and_its_stream_ends<S: Subject>() {
    let (bus, node) = S::one().await;
    let relay = relay(&node);
    let mut stream = subscribe(&relay).await;
    relay.unsubscribe(CHANNEL.to_owned()).await.expect("it is subscribed");
    assert!(timeout(DEADLINE, stream.next()).await.expect("it ends").is_none());
    let unheard = async {
        while relay.num_serv(CHANNEL).await.expect("the bus answers") > 0 {
            bus.pass(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, unheard).await.expect("nobody watches");
}

pub(crate) async fn a_message_past_what_may_wait_is_refused<S: Subject>() {
    let (_bus, node) = S::one().await;
    let relay = relay(&node);
    let burst = async {
        // Nothing here lets the sender run: the queue can only grow.
        loop {
            relay.publish(CHANNEL.to_owned(), Vec::new()).await?;
        }
    };
    let refused: Result<(), SignalError> = timeout(DEADLINE, burst).await.expect("it fills up");
    assert!(matches!(refused, Err(SignalError::Full { .. })), "{refused:?}");
}
