//! How long tasks are remembered.

use adapter::{Config, Published};

use crate::{
    drafts::{end, in_run, now, progress, version},
    subject::Subject,
};

pub(crate) async fn a_live_task_is_forgotten_some_time_after_its_last_progress<S: Subject>() {
    let half = S::config().live_age / 2;
    let (bus, node) = S::one().await;
    node.accepted(progress("copy", version(1.0), "first")).await;
    bus.pass(half).await;
    node.accepted(progress("copy", version(9.0), "last")).await;
    bus.pass(half).await;
    assert_eq!(node.live().await, ["last"]);
    bus.pass(half).await;
    assert!(node.live().await.is_empty());
    assert!(node.tasks().await.is_empty());
    node.accepted(progress("copy", version(1.0), "anew")).await;
    assert_eq!(node.live().await, ["anew"]);
}

pub(crate) async fn an_ended_task_is_remembered_until_its_age_and_then_starts_anew<S: Subject>() {
    let Config { live_age, ended_age, .. } = S::config();
    let (bus, node) = S::one().await;
    node.accepted(end("copy", now(), "end")).await;
    bus.pass((live_age + ended_age) / 2).await;
    let late = node.publish(progress("copy", now(), "late")).await;
    assert_eq!(late, Published::AfterFinal);
    assert_eq!(node.tasks().await, ["end"]);
    bus.pass(ended_age / 2).await;
    node.accepted(progress("copy", now(), "anew")).await;
    assert_eq!(node.tasks().await, ["anew"]);
}

pub(crate) async fn tasks_lists_live_and_ended_ones_oldest_first<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", now(), "10%")).await;
    node.accepted(end("export", now(), "export ended")).await;
    node.accepted(progress("transcode", now(), "20%")).await;
    node.accepted(progress("copy", now(), "30%")).await;
    assert_eq!(node.tasks().await, ["export ended", "20%", "30%"]);
}

pub(crate) async fn a_forgotten_task_is_shown_no_more_and_may_start_anew<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", version(9.0), "stuck")).await;
    assert!(node.forget("copy").await);
    assert!(!node.forget("copy").await);
    assert!(node.tasks().await.is_empty());
    let id = node.accepted(progress("copy", version(1.0), "anew")).await;
    assert_eq!(id.position.seq, 2);
}

pub(crate) async fn all_runs_of_a_task_are_forgotten_and_others_are_not<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(progress("copy", now(), "no run")).await;
    node.accepted(in_run("1", end("copy", now(), "first run"))).await;
    node.accepted(in_run("2", progress("copy", now(), "second run"))).await;
    node.accepted(progress("copyright", now(), "other")).await;
    assert!(node.forget("copy").await);
    assert_eq!(node.tasks().await, ["other"]);
}
