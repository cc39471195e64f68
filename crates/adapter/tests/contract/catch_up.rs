//! What a client is told that was not there, and what it is told is missing.

use std::time::Duration;

use adapter::{Config, Since};
use notice::{Epoch, Position};

use crate::{
    drafts::{audience, end, now, plain, progress, room},
    subject::{Node, Subject, gap, texts},
};

pub(crate) async fn an_audience_that_never_was_has_nothing_to_catch_up_on<S: Subject>() {
    let (_bus, node) = S::one().await;
    let caught = node.within(S::config().finals_age).await;
    assert!(caught.live.is_empty() && caught.finals.is_empty());
    assert_eq!((caught.gap, caught.position), (None, None));
}

pub(crate) async fn live_tasks_are_shown_oldest_first_and_ended_ones_are_not<S: Subject>() {
    let (_bus, node) = S::one().await;
    for task in ["a", "b", "c", "d", "e", "f"] {
        node.accepted(progress(task, now(), task)).await;
    }
    node.accepted(progress("a", now(), "a again")).await;
    node.accepted(end("c", now(), "c ended")).await;
    assert_eq!(node.live().await, ["b", "d", "e", "f", "a again"]);
}

pub(crate) async fn a_client_without_a_cursor_gets_the_finals_of_the_window<S: Subject>() {
    let window = S::config().finals_age / 4;
    let (bus, node) = S::one().await;
    node.accepted(end("copy", now(), "before")).await;
    bus.pass(window * 2).await;
    node.accepted(end("export", now(), "first")).await;
    node.accepted(end("transcode", now(), "second")).await;
    let caught = node.within(window).await;
    assert_eq!(texts(&caught.finals), ["first", "second"]);
    assert_eq!(caught.gap, None);
}

pub(crate) async fn a_client_with_a_cursor_gets_every_final_after_it<S: Subject>() {
    let (bus, node) = S::one().await;
    node.accepted(end("copy", now(), "seen")).await;
    let seen = node.accepted(progress("export", now(), "seen")).await.position;
    node.accepted(end("export", now(), "first")).await;
    node.accepted(plain(audience(), "plain")).await;
    node.accepted(end("transcode", now(), "second")).await;
    bus.pass(S::config().finals_age / 2).await;
    let caught = node.after(&seen).await;
    assert_eq!(texts(&caught.finals), ["first", "second"]);
    assert_eq!(caught.gap, None);
    assert_eq!(caught.position, Some(Position { seq: 5, ..seen }));
}

pub(crate) async fn a_cursor_at_the_newest_notice_has_missed_nothing<S: Subject>() {
    let (_bus, node) = S::one().await;
    let newest = node.accepted(end("copy", now(), "end")).await.position;
    let caught = node.after(&newest).await;
    assert!(caught.finals.is_empty());
    assert_eq!((caught.gap, caught.position), (None, Some(newest)));
}

pub(crate) async fn plain_notices_are_counted_and_not_kept<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(plain(room("456"), "one")).await;
    let newest = node.accepted(plain(room("456"), "two")).await.position;
    let first = Position { seq: 1, ..newest.clone() };
    let caught = node.catch_up_on(&room("456"), Since::Position(&first)).await;
    assert!(caught.live.is_empty() && caught.finals.is_empty());
    assert_eq!((caught.gap, caught.position), (None, Some(newest)));
}

/// A bus that keeps two finals and was given four, and where its first one was.
async fn two_of_four_finals<S: Subject>() -> (S, Node, Position) {
    let (bus, node) = S::one_with(Config { finals_keep: 2, ..S::config() }).await;
    let first = node.accepted(end("1", now(), "1")).await.position;
    for task in ["2", "3", "4"] {
        node.accepted(end(task, now(), task)).await;
    }
    (bus, node, first)
}

pub(crate) async fn a_cursor_before_a_trimmed_final_sees_a_gap<S: Subject>() {
    let (_bus, node, first) = two_of_four_finals::<S>().await;
    let caught = node.after(&first).await;
    assert_eq!(texts(&caught.finals), ["3", "4"]);
    let oldest = caught.finals[0].id();
    assert_eq!(caught.gap, Some(gap(&first, Some(&oldest))));
}

pub(crate) async fn a_cursor_at_a_trimmed_final_sees_none<S: Subject>() {
    let (_bus, node, first) = two_of_four_finals::<S>().await;
    let caught = node.after(&Position { seq: 2, ..first }).await;
    assert_eq!(texts(&caught.finals), ["3", "4"]);
    assert_eq!(caught.gap, None);
}

pub(crate) async fn a_final_that_grew_too_old_leaves_a_gap<S: Subject>() {
    let half = S::config().finals_age / 2;
    let (bus, node) = S::one().await;
    let seen = node.accepted(plain(audience(), "seen")).await.position;
    node.accepted(end("copy", now(), "old")).await;
    bus.pass(half).await;
    let kept = node.accepted(end("export", now(), "kept")).await;
    bus.pass(half).await;
    let caught = node.after(&seen).await;
    assert_eq!(texts(&caught.finals), ["kept"]);
    assert_eq!(caught.gap, Some(gap(&seen, Some(&kept))));
}

pub(crate) async fn skipped_progress_is_no_gap<S: Subject>() {
    let (_bus, node) = S::one_with(Config { finals_keep: 1, ..S::config() }).await;
    let seen = node.accepted(progress("copy", now(), "seen")).await.position;
    for _ in 0..50 {
        node.accepted(progress("copy", now(), "newer")).await;
    }
    node.accepted(end("copy", now(), "end")).await;
    let caught = node.after(&seen).await;
    assert_eq!(texts(&caught.finals), ["end"]);
    assert_eq!(caught.gap, None);
}

pub(crate) async fn a_cursor_of_another_epoch_sees_a_gap_and_gets_all_that_is_kept<S: Subject>() {
    let (_bus, node) = S::one().await;
    let oldest = node.accepted(end("copy", now(), "first")).await;
    node.accepted(end("export", now(), "second")).await;
    let other = Epoch::new("another").expect("letters are an epoch");
    let cursor = Position { epoch: other, seq: 1 };
    let caught = node.after(&cursor).await;
    assert_eq!(texts(&caught.finals), ["first", "second"]);
    assert_eq!(caught.gap, Some(gap(&cursor, Some(&oldest))));
}

pub(crate) async fn a_cursor_ahead_of_the_count_sees_a_gap_and_gets_all_that_is_kept<S: Subject>() {
    let (_bus, node) = S::one().await;
    let oldest = node.accepted(end("copy", now(), "end")).await;
    let cursor = Position { seq: 2, ..oldest.position.clone() };
    let caught = node.after(&cursor).await;
    assert_eq!(texts(&caught.finals), ["end"]);
    assert_eq!(caught.gap, Some(gap(&cursor, Some(&oldest))));
}

pub(crate) async fn a_cursor_for_a_forgotten_audience_sees_a_gap<S: Subject>() {
    let (bus, node) = S::one().await;
    let cursor = node.accepted(end("copy", now(), "end")).await.position;
    bus.pass(S::config().finals_age).await;
    let caught = node.after(&cursor).await;
    assert_eq!(caught.gap, Some(gap(&cursor, None)));
    assert_eq!(caught.position, None);
}

pub(crate) async fn what_arrives_after_entering_joins_what_was_caught_up_on_without_gap_or_double<
    S: Subject,
>() {
    const COUNT: u64 = 300;
    let (bus, mut node) = S::one().await;
    let worker = bus.link().await;
    let publishing = async {
        for n in 1..=COUNT {
            worker.accepted(end(&n.to_string(), now(), "end")).await;
            tokio::task::yield_now().await;
        }
    };
    let connecting = async {
        while node.within(Duration::ZERO).await.position.is_none_or(|newest| newest.seq < 100) {
            tokio::task::yield_now().await;
        }
        node.enter(&audience()).await;
        tokio::task::yield_now().await;
        let caught = node.within(S::config().finals_age).await;
        let newest = caught.position.expect("a hundred were published").seq;
        let mut seqs: Vec<_> = caught.finals.iter().map(|notice| notice.position.seq).collect();
        while seqs.last() != Some(&COUNT) {
            let seq = node.hear().await.position.seq;
            seqs.extend((seq > newest).then_some(seq));
        }
        seqs
    };
    let ((), seqs) = tokio::join!(publishing, connecting);
    assert_eq!(seqs, (1..=COUNT).collect::<Vec<_>>());
}
