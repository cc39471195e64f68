//! What somebody has missed who comes back to its seat: everything, plain notices among it.

use std::time::Duration;

use adapter::{Config, Published};
use notice::{Draft, Kind, Position};

use crate::{
    drafts::{audience, end, now, plain, progress, room},
    subject::{Node, Subject, texts},
};

async fn one<S: Subject>() -> (S, Node) {
    holding(Duration::from_mins(1)).await
}

async fn holding<S: Subject>(held: Duration) -> (S, Node) {
    S::one_with(Config { seats_held: Some(held), ..S::config() }).await
}

async fn missed(node: &Node, since: &Position) -> Vec<String> {
    let caught = node.link.store.missed(&audience(), since).await.expect("the bus answers");
    assert_eq!(caught.gap, None);
    assert!(caught.live.is_empty() && caught.is_whole);
    texts(&caught.finals)
}

/// Whether the bus says that nothing is gone which came after `since`.
async fn is_whole(node: &Node, since: &Position) -> bool {
    let standing = node.link.store.standing(&audience()).await.expect("the bus answers");
    let is_whole = standing.expect("it is counted").reaches_back_to(since);
    let caught = node.link.store.missed(&audience(), since).await.expect("the bus answers");
    assert_eq!(caught.gap.is_none(), is_whole);
    is_whole
}

pub(crate) async fn who_comes_back_has_missed_plain_notices_too_in_the_order_of_all<S: Subject>() {
    let (_bus, node) = one::<S>().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    node.accepted(plain(audience(), "one")).await;
    node.accepted(progress("copy", now(), "10%")).await;
    node.accepted(progress("copy", now(), "20%")).await;
    node.accepted(end("other", now(), "end")).await;
    let newest = node.accepted(plain(audience(), "two")).await.position;
    node.accepted(plain(room("elsewhere"), "elsewhere")).await;
    assert_eq!(missed(&node, &seen).await, ["one", "20%", "end", "two"]);
    assert_eq!(missed(&node, &newest).await, Vec::<String>::new());
}

pub(crate) async fn what_came_together_was_missed_together<S: Subject>() {
    let (_bus, node) = one::<S>().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    let drafts = vec![
        plain(audience(), "one"),
        end("copy", now(), "end"),
        plain(audience(), "two"),
        Draft { kind: Kind::Volatile, ..plain(audience(), "volatile") },
    ];
    for outcome in node.link.publisher.publish_all(drafts).await {
        assert!(matches!(outcome, Ok(Published::Accepted { .. })), "{outcome:?}");
    }
    assert_eq!(missed(&node, &seen).await, ["one", "end", "two"]);
}

pub(crate) async fn nobody_is_told_later_of_what_was_volatile<S: Subject>() {
    let (_bus, node) = one::<S>().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    node.accepted(Draft { kind: Kind::Volatile, ..plain(audience(), "volatile") }).await;
    assert_eq!(missed(&node, &seen).await, Vec::<String>::new());
}

pub(crate) async fn who_comes_new_is_not_told_of_plain_notices<S: Subject>() {
    let (_bus, node) = one::<S>().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    node.accepted(plain(audience(), "one")).await;
    let caught = node.after(&seen).await;
    assert!(caught.finals.is_empty() && !caught.is_whole);
    assert_eq!(caught.gap, None);
}

pub(crate) async fn plain_notices_past_the_bound_are_known_to_be_gone<S: Subject>() {
    let (_bus, node) = one::<S>().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    let large = "x".repeat(1_500_000);
    let mut last = seen.clone();
    for _ in 0..3 {
        assert!(is_whole(&node, &seen).await);
        last = node.accepted(plain(audience(), &large)).await.position;
    }
    assert!(!is_whole(&node, &seen).await);
    assert!(is_whole(&node, &last).await);
}

pub(crate) async fn a_plain_notice_too_large_to_be_kept_is_known_to_be_gone<S: Subject>() {
    let (_bus, node) = one::<S>().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    let large = node.accepted(plain(audience(), &"x".repeat(5_000_000))).await.position;
    assert!(!is_whole(&node, &seen).await);
    node.accepted(plain(audience(), "after")).await;
    assert_eq!(missed(&node, &large).await, ["after"]);
}

pub(crate) async fn plain_notices_that_are_too_old_are_known_to_be_gone<S: Subject>() {
    let held = S::config().finals_age / 8;
    let (bus, node) = holding::<S>(held).await;
    // What keeps the audience counted.
    let seen = node.accepted(end("copy", now(), "end")).await.position;
    let newest = node.accepted(plain(audience(), "one")).await.position;
    bus.pass(held).await;
    assert_eq!(missed(&node, &seen).await, ["one"]);
    bus.pass(held * 3).await;
    assert!(!is_whole(&node, &seen).await);
    node.accepted(plain(audience(), "two")).await;
    assert!(!is_whole(&node, &seen).await);
    assert!(is_whole(&node, &newest).await);
}

pub(crate) async fn a_position_of_another_life_is_known_to_be_that<S: Subject>() {
    let (_bus, node) = one::<S>().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    let ahead = Position { seq: seen.seq + 1, ..seen.clone() };
    assert!(!is_whole(&node, &ahead).await);
    let other = node.accepted(plain(room("other"), "other")).await.position;
    assert!(!is_whole(&node, &other).await);
    assert_eq!(node.link.store.standing(&room("never")).await.expect("the bus answers"), None);
}
