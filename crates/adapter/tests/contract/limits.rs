//! What every bus refuses, and how.

use adapter::{Config, PublishError, Published};
use notice::{Draft, Payload};
use serde_json::value::to_raw_value;

use crate::{
    drafts::{audience, end, now, plain, progress, version},
    subject::{Node, Subject, texts},
};

/// A bus for two tasks a user, both taken.
async fn two_tasks<S: Subject>() -> (S, Node) {
    let (bus, node) = S::one_with(Config { tasks_per_user_max: 2, ..S::config() }).await;
    node.accepted(progress("1", now(), "1")).await;
    node.accepted(end("2", now(), "2")).await;
    (bus, node)
}

pub(crate) async fn one_task_too_many_of_a_user_is_refused_for_good<S: Subject>() {
    let (_bus, node) = two_tasks::<S>().await;
    let refused = node.try_publish(progress("3", now(), "3")).await;
    let error = refused.expect_err("there is no place for it");
    assert!(matches!(error, PublishError::Full { len_max: 2, .. }), "{error}");
    assert!(!error.is_transient());
    assert_eq!(node.tasks().await, ["1", "2"]);
    assert_eq!(node.accepted(plain(audience(), "plain")).await.position.seq, 3);
}

pub(crate) async fn a_task_that_is_known_finds_its_place_in_a_full_table<S: Subject>() {
    let (_bus, node) = two_tasks::<S>().await;
    node.accepted(progress("1", now(), "newer")).await;
    node.accepted(end("1", now(), "end")).await;
    assert_eq!(node.tasks().await, ["2", "end"]);
}

pub(crate) async fn an_end_takes_the_place_of_the_first_end_in_a_full_table<S: Subject>() {
    let (_bus, node) = two_tasks::<S>().await;
    node.accepted(end("3", now(), "3")).await;
    assert_eq!(node.tasks().await, ["1", "3"]);
    let finals = node.within(S::config().ended_age).await.finals;
    assert_eq!(texts(&finals), ["2", "3"], "it is still told to who comes back");
}

pub(crate) async fn an_end_is_refused_while_no_other_task_of_a_full_table_has_ended<S: Subject>() {
    let (_bus, node) = S::one_with(Config { tasks_per_user_max: 2, ..S::config() }).await;
    node.accepted(progress("1", now(), "1")).await;
    node.accepted(progress("2", now(), "2")).await;
    for _ in 0..2 {
        let error = node.try_publish(end("3", now(), "3")).await.expect_err("all are live");
        assert!(matches!(error, PublishError::Full { len_max: 2, .. }), "{error}");
    }
    node.accepted(end("1", now(), "end of 1")).await;
    node.accepted(end("3", now(), "3")).await;
    assert_eq!(node.tasks().await, ["2", "3"]);
}

pub(crate) async fn an_expired_task_makes_room_for_another<S: Subject>() {
    let (bus, node) = two_tasks::<S>().await;
    bus.pass(S::config().live_age).await;
    node.accepted(progress("3", now(), "3")).await;
    assert_eq!(node.tasks().await, ["2", "3"]);
}

pub(crate) async fn a_payload_past_the_limit_is_refused_for_good<S: Subject>() {
    const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
    let (_bus, node) = S::one().await;
    // Two bytes are the quotes around it.
    let of = |len_bytes: usize| {
        let text = to_raw_value(&"x".repeat(len_bytes - 2)).expect("a text is JSON");
        Draft { payload: Payload::one(&text), ..plain(audience(), "") }
    };
    node.accepted(of(PAYLOAD_BYTES_MAX)).await;
    let error = node.try_publish(of(PAYLOAD_BYTES_MAX + 1)).await.expect_err("it is too large");
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
    assert!(!error.is_transient());
}

pub(crate) async fn publish_all_answers_for_each_draft_in_order<S: Subject>() {
    let (_bus, mut node) = S::one_with(Config { tasks_per_user_max: 1, ..S::config() }).await;
    node.enter(&audience()).await;
    let results = node
        .link
        .publisher
        .publish_all(vec![
            progress("copy", version(2.0), "first"),
            progress("copy", version(1.0), "older"),
            progress("export", now(), "one task too many"),
            end("copy", now(), "end"),
            progress("copy", now(), "late"),
            plain(audience(), "last"),
        ])
        .await;
    assert!(matches!(
        results.as_slice(),
        [
            Ok(Published::Accepted { .. }),
            Ok(Published::Superseded),
            Err(PublishError::Full { .. }),
            Ok(Published::Accepted { .. }),
            Ok(Published::AfterFinal),
            Ok(Published::Accepted { .. }),
        ]
    ));
    assert_eq!(node.hear_texts(3).await, ["first", "end", "last"]);
}
