//! Which nodes hear a notice.

use adapter::Config;

use crate::{
    drafts::{audience, end, now, plain, progress, room},
    subject::Subject,
};

pub(crate) async fn every_node_with_a_member_hears_each_notice_in_order<S: Subject>() {
    let (bus, mut one) = S::one().await;
    let mut other = bus.link().await;
    one.enter(&audience()).await;
    other.enter(&audience()).await;
    let worker = bus.link().await;
    let (_, nodes) = worker.accepted_by(progress("copy", now(), "10%")).await;
    assert_eq!(nodes, 2);
    worker.accepted(plain(audience(), "note")).await;
    worker.accepted(end("copy", now(), "end")).await;
    assert_eq!(one.hear_texts(3).await, ["10%", "note", "end"]);
    assert_eq!(other.hear_texts(3).await, ["10%", "note", "end"]);
}

pub(crate) async fn a_node_without_a_member_hears_nothing<S: Subject>() {
    let (_bus, mut node) = S::one().await;
    node.enter(&room("mine")).await;
    let (_, nodes) = node.accepted_by(plain(room("other"), "not for this node")).await;
    assert_eq!(nodes, 0);
    node.accepted(plain(room("mine"), "for this node")).await;
    assert_eq!(node.hear_texts(1).await, ["for this node"]);
}

pub(crate) async fn a_node_hears_once_however_many_members_it_has<S: Subject>() {
    let (_bus, mut node) = S::one().await;
    node.enter(&audience()).await;
    node.enter(&audience()).await;
    let (_, nodes) = node.accepted_by(plain(audience(), "one")).await;
    assert_eq!(nodes, 1);
    node.accepted(plain(audience(), "two")).await;
    assert_eq!(node.hear_texts(2).await, ["one", "two"]);
}

pub(crate) async fn a_node_hears_until_its_last_member_has_left<S: Subject>() {
    let (bus, node) = S::one().await;
    node.enter(&audience()).await;
    node.enter(&audience()).await;
    node.interest().leave(&audience());
    bus.pass(S::config().interest_linger * 4).await;
    assert_eq!(node.accepted_by(plain(audience(), "one")).await.1, 1);
    node.interest().leave(&audience());
    bus.pass(S::config().interest_linger * 4).await;
    assert_eq!(node.accepted_by(plain(audience(), "two")).await.1, 0);
}

pub(crate) async fn interest_lingers_and_then_ends<S: Subject>() {
    let Config { interest_linger, .. } = S::config();
    let (bus, mut node) = S::one().await;
    node.enter(&audience()).await;
    node.interest().leave(&audience());
    bus.pass(interest_linger / 2).await;
    node.accepted(plain(audience(), "lingering")).await;
    bus.pass(interest_linger * 4).await;
    assert_eq!(node.accepted_by(plain(audience(), "gone")).await.1, 0);
    node.enter(&audience()).await;
    node.accepted(plain(audience(), "back")).await;
    assert_eq!(node.hear_texts(2).await, ["lingering", "back"]);
}

pub(crate) async fn a_member_that_returns_in_time_ends_the_lingering<S: Subject>() {
    let Config { interest_linger, .. } = S::config();
    let (bus, node) = S::one().await;
    node.enter(&audience()).await;
    node.interest().leave(&audience());
    bus.pass(interest_linger / 2).await;
    node.enter(&audience()).await;
    bus.pass(interest_linger * 4).await;
    assert_eq!(node.accepted_by(plain(audience(), "still here")).await.1, 1);
}

pub(crate) async fn leaving_what_was_never_entered_changes_nothing<S: Subject>() {
    let (bus, node) = S::one().await;
    let other = bus.link().await;
    node.enter(&audience()).await;
    other.interest().leave(&audience());
    other.interest().leave(&room("unheard of"));
    bus.pass(S::config().interest_linger * 4).await;
    assert_eq!(node.accepted_by(plain(audience(), "heard")).await.1, 1);
}

pub(crate) async fn a_node_whose_inbox_is_dropped_stops_counting<S: Subject>() {
    let (bus, node) = S::one().await;
    let leaving = bus.link().await;
    node.enter(&audience()).await;
    leaving.enter(&audience()).await;
    assert_eq!(node.accepted_by(plain(audience(), "both")).await.1, 2);
    drop(leaving.link.inbox);
    bus.pass(S::config().interest_linger).await;
    assert_eq!(node.accepted_by(plain(audience(), "one")).await.1, 1);
}
