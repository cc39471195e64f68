//! How soon progress of a task may follow its last one.

use std::time::Duration;

use adapter::{Config, Published};
use notice::{Draft, Kind, Stamp};

use crate::{
    drafts::{end, in_run, now, progress, version},
    subject::{Node, Subject},
};

/// Long enough that a slow machine does not live through it between two publishes.
const PACE: Duration = Duration::from_secs(1);

async fn paced<S: Subject>() -> (S, Node) {
    S::one_with(Config { progress_pace: PACE, ..S::config() }).await
}

/// Publishes what must be too early.
async fn early(node: &Node, draft: Draft) -> (Duration, Stamp) {
    match node.publish(draft).await {
        Published::Early { wait, stamp } => (wait, stamp),
        other => panic!("{other:?}"),
    }
}

fn under(stamp: Stamp, mut draft: Draft) -> Draft {
    if let Kind::Progress { order, .. } = &mut draft.kind {
        order.stamp = Some(stamp);
    }
    draft
}

pub(crate) async fn progress_within_the_pace_changes_nothing_and_is_taken_after_its_wait<
    S: Subject,
>() {
    let (bus, node) = paced::<S>().await;
    let id = node.accepted(progress("copy", now(), "10%")).await;
    let (wait, stamp) = early(&node, progress("copy", now(), "20%")).await;
    assert!(wait > Duration::ZERO && wait <= PACE, "{wait:?}");
    assert_eq!(node.live().await, ["10%"]);
    bus.pass(wait).await;
    let next = node.accepted(under(stamp, progress("copy", now(), "20%"))).await;
    assert_eq!(next.position.seq, id.position.seq + 1);
    early(&node, progress("copy", now(), "30%")).await;
    assert_eq!(node.live().await, ["20%"]);
}

pub(crate) async fn older_progress_is_superseded_however_early<S: Subject>() {
    let (_bus, node) = paced::<S>().await;
    node.accepted(progress("copy", version(2.0), "new")).await;
    let late = node.publish(progress("copy", version(1.0), "old")).await;
    assert_eq!(late, Published::Superseded);
}

pub(crate) async fn a_final_is_never_early_and_ends_the_waiting<S: Subject>() {
    let (_bus, node) = paced::<S>().await;
    node.accepted(progress("copy", now(), "10%")).await;
    node.accepted(end("copy", now(), "end")).await;
    let late = node.publish(progress("copy", now(), "20%")).await;
    assert_eq!(late, Published::AfterFinal);
}

pub(crate) async fn the_first_of_a_task_and_of_a_run_is_never_early<S: Subject>() {
    let (_bus, node) = paced::<S>().await;
    node.accepted(progress("copy", now(), "copy")).await;
    node.accepted(progress("export", now(), "export")).await;
    node.accepted(in_run("1", progress("copy", now(), "run 1"))).await;
    node.accepted(in_run("2", progress("copy", now(), "run 2"))).await;
    early(&node, in_run("2", progress("copy", now(), "run 2 again"))).await;
}

pub(crate) async fn what_waited_is_not_newer_than_what_came_meanwhile<S: Subject>() {
    let (bus, node) = paced::<S>().await;
    node.accepted(progress("copy", now(), "10%")).await;
    bus.pass(PACE / 100).await;
    let (_, stamp) = early(&node, progress("copy", now(), "20%")).await;
    bus.pass(PACE).await;
    node.accepted(progress("copy", now(), "30%")).await;
    bus.pass(PACE).await;
    let late = node.publish(under(stamp, progress("copy", now(), "20%"))).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.live().await, ["30%"]);
}

pub(crate) async fn what_has_a_stamp_keeps_it_while_it_waits<S: Subject>() {
    let (_bus, node) = paced::<S>().await;
    let of = |millis| Stamp { millis, count: 7 };
    node.accepted(under(of(10), progress("copy", now(), "10%"))).await;
    let (_, stamp) = early(&node, under(of(20), progress("copy", now(), "20%"))).await;
    assert_eq!(stamp, of(20));
}
