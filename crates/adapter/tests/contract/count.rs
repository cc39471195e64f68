//! How an audience's notices are numbered.

use adapter::Config;

use crate::{
    drafts::{audience, end, now, plain, progress, room, version},
    subject::Subject,
};

pub(crate) async fn seq_counts_what_was_accepted_from_one_without_a_gap<S: Subject>() {
    let (_bus, mut node) = S::one().await;
    node.enter(&audience()).await;
    node.accepted(progress("copy", version(2.0), "progress")).await;
    node.publish(progress("copy", version(1.0), "superseded")).await;
    node.accepted(plain(audience(), "plain")).await;
    node.accepted(end("copy", now(), "end")).await;
    node.publish(end("copy", now(), "after the end")).await;
    let last = node.accepted(progress("export", now(), "progress")).await;
    for seq in 1..=4 {
        let position = node.hear().await.position.clone();
        assert_eq!((position.seq, &position.epoch), (seq, &last.position.epoch));
    }
    assert_eq!(node.within(S::config().finals_age).await.position, Some(last.position));
}

pub(crate) async fn each_audience_counts_for_itself<S: Subject>() {
    let (_bus, node) = S::one().await;
    let first = node.accepted(plain(room("a"), "one")).await.position;
    let other = node.accepted(plain(room("b"), "one")).await.position;
    let second = node.accepted(plain(room("a"), "two")).await.position;
    assert_eq!((first.seq, other.seq, second.seq), (1, 1, 2));
    assert_eq!(first.epoch, second.epoch);
    assert_ne!(first.epoch, other.epoch);
}

pub(crate) async fn an_audience_whose_state_is_gone_begins_a_new_epoch<S: Subject>() {
    let (bus, node) = S::one().await;
    let before = node.accepted(end("copy", now(), "end")).await.position;
    bus.pass(S::config().finals_age).await;
    assert_eq!(node.within(S::config().finals_age).await.position, None);
    let after = node.accepted(end("copy", now(), "end")).await.position;
    assert_eq!(after.seq, 1);
    assert_ne!(after.epoch, before.epoch);
}

pub(crate) async fn an_audience_of_which_something_is_kept_keeps_its_epoch<S: Subject>() {
    let Config { live_age, finals_age, .. } = S::config();
    let (bus, node) = S::one().await;
    let before = node.accepted(end("copy", now(), "end")).await.position;
    node.accepted(progress("export", now(), "10%")).await;
    bus.pass((live_age + finals_age) / 2).await;
    let after = node.accepted(plain(audience(), "note")).await.position;
    assert_eq!((after.seq, after.epoch), (3, before.epoch));
}
