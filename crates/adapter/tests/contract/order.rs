//! Which notice of a task is taken, and which comes too late.

use adapter::Published;

use crate::{
    drafts::{audience, end, in_run, now, plain, progress, stamp, to, version, version_and_stamp},
    subject::Subject,
};

pub(crate) async fn the_newest_progress_is_what_the_task_shows<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", now(), "10%")).await;
    node.accepted(progress("copy", now(), "20%")).await;
    assert_eq!(node.live().await, ["20%"]);
}

pub(crate) async fn progress_of_an_older_version_is_superseded<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", version(2.5), "new")).await;
    let late = node.publish(progress("copy", version(2.0), "old")).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.live().await, ["new"]);
}

pub(crate) async fn progress_of_an_older_stamp_is_superseded<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", stamp(20), "new")).await;
    let late = node.publish(progress("copy", stamp(19), "old")).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.live().await, ["new"]);
}

pub(crate) async fn a_version_decides_over_a_stamp_where_both_sides_carry_one<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", version_and_stamp(1.0, 20), "first")).await;
    node.accepted(progress("copy", version_and_stamp(2.0, 10), "second")).await;
    let late = node.publish(progress("copy", version_and_stamp(1.0, 30), "third")).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.live().await, ["second"]);
}

pub(crate) async fn a_stamp_decides_where_one_side_has_no_version<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", version_and_stamp(9.0, 10), "first")).await;
    node.accepted(progress("copy", stamp(11), "second")).await;
    let late = node.publish(progress("copy", version_and_stamp(99.0, 10), "third")).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.live().await, ["second"]);
}

pub(crate) async fn a_stamp_decides_between_equal_versions<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", version_and_stamp(1.0, 10), "first")).await;
    node.accepted(progress("copy", version_and_stamp(1.0, 11), "second")).await;
    let late = node.publish(progress("copy", version_and_stamp(1.0, 10), "third")).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.live().await, ["second"]);
}

pub(crate) async fn progress_without_a_stamp_is_never_older_than_what_is_shown<S: Subject>() {
    const FAR_AHEAD: u64 = 1 << 52;
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", stamp(FAR_AHEAD), "first")).await;
    node.accepted(progress("copy", now(), "second")).await;
    let late = node.publish(progress("copy", stamp(FAR_AHEAD), "third")).await;
    assert_eq!(late, Published::Superseded);
    assert_eq!(node.live().await, ["second"]);
}

pub(crate) async fn progress_handed_in_twice_is_taken_once<S: Subject>() {
    let (_bus, node) = S::one().await;
    let draft = progress("copy", version_and_stamp(1.0, 10), "once");
    node.accepted(draft.clone()).await;
    assert_eq!(node.publish(draft).await, Published::Superseded);
}

pub(crate) async fn a_final_is_never_refused_as_old<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", version_and_stamp(7.0, 70), "newest")).await;
    let id = node.accepted(end("copy", version_and_stamp(1.0, 10), "end")).await;
    assert_eq!(id.position.seq, 2);
    assert_eq!(node.tasks().await, ["end"]);
}

pub(crate) async fn nothing_is_taken_after_a_final_whatever_its_order<S: Subject>() {
    let (_bus, mut node) = S::one().await;
    node.enter(&audience()).await;
    node.accepted(end("copy", version_and_stamp(1.0, 10), "end")).await;
    for order in [now(), version(9.0), stamp(u64::from(u32::MAX)), version_and_stamp(0.0, 1)] {
        let progress = node.publish(progress("copy", order, "late")).await;
        assert_eq!(progress, Published::AfterFinal, "{order:?}");
        let second = node.publish(end("copy", order, "late")).await;
        assert_eq!(second, Published::AfterFinal, "{order:?}");
    }
    node.accepted(plain(audience(), "next")).await;
    assert_eq!(node.hear_texts(2).await, ["end", "next"]);
    assert_eq!(node.tasks().await, ["end"]);
}

pub(crate) async fn a_new_run_starts_the_task_anew<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(in_run("1", end("copy", version(9.0), "first run"))).await;
    node.accepted(in_run("2", progress("copy", version(1.0), "second run"))).await;
    node.accepted(progress("copy", version(1.0), "no run")).await;
    assert_eq!(node.live().await, ["second run", "no run"]);
}

pub(crate) async fn the_same_task_of_another_user_is_another_task<S: Subject>() {
    let (_bus, node) = S::one().await;
    let other = "user:6@/notice".parse().expect("an audience");
    node.accepted(end("copy", now(), "end")).await;
    let id = node.accepted(to(other, progress("copy", now(), "10%"))).await;
    assert_eq!(id.position.seq, 1);
}
