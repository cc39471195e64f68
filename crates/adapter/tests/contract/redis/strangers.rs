//! Keys of somebody else where ours should be: named, left alone, and no reason to try again.

use std::time::Duration;

use adapter::BusError;

use super::OverRedis;
use crate::drafts::{audience, end, now, plain, progress, room, user};

#[tokio::test]
async fn a_key_of_somebody_else_under_our_prefix_is_named_and_not_retried() {
    let (bus, node) = OverRedis::lasting().await;
    bus.server.say(&format!("SET carillon:{{{}}}:life x", audience())).await;
    let error = node.try_publish(progress("copy", now(), "10%")).await.expect_err("no hash");
    assert!(!error.is_transient());
    assert!(error.to_string().contains("hint: a key under our prefix"), "{error}");
    let error = node.link.store.tasks(&user()).await;
    assert!(error.is_ok(), "the tasks' own keys are not there: {error:?}");
    node.accepted(plain(room("other"), "goes on")).await;
}

#[tokio::test]
async fn a_key_of_somebody_else_in_any_place_is_named_and_left_alone() {
    let (bus, node) = OverRedis::lasting().await;
    for part in ["life", "heads", "shown", "log", "recent"] {
        let key = format!("carillon:{{{}}}:{part}", audience());
        bus.server.say(&format!("SET {key} theirs")).await;
        for draft in [end("copy", now(), "end"), plain(audience(), "note")] {
            let error = node.try_publish(draft).await.expect_err("it is no place of ours");
            assert!(!error.is_transient(), "{part}: {error}");
            assert!(error.to_string().contains("hint: a key under our prefix"), "{part}: {error}");
        }
        assert!(bus.server.say(&format!("GET {key}")).await.contains("theirs"), "{part}");
        bus.server.say(&format!("DEL {key}")).await;
    }
    node.accepted(end("copy", now(), "end")).await;
}

#[tokio::test]
async fn an_end_that_could_not_be_kept_is_taken_when_it_can_be() {
    let (bus, node) = OverRedis::lasting().await;
    node.accepted(progress("copy", now(), "10%")).await;
    let log = format!("carillon:{{{}}}:log", audience());
    bus.server.say(&format!("SET {log} theirs")).await;
    node.try_publish(end("copy", now(), "end")).await.expect_err("there is no log");
    bus.server.say(&format!("DEL {log}")).await;
    node.accepted(end("copy", now(), "end")).await;
}

#[tokio::test]
async fn who_enters_where_the_count_is_somebody_elses_is_told_so() {
    let (bus, node) = OverRedis::lasting().await;
    let life = format!("carillon:{{{}}}:life", audience());
    bus.server.say(&format!("SET {life} theirs")).await;
    let error = node.interest().enter(&audience()).await.expect_err("there is no count");
    assert!(matches!(error, BusError::Broken { .. }), "{error}");
    assert!(error.to_string().contains("hint: a key under our prefix"), "{error}");
}

#[tokio::test]
async fn a_key_of_somebody_else_harms_nobody_else_of_a_batch() {
    let (bus, node) = OverRedis::lasting().await;
    node.accepted(plain(audience(), "first")).await;
    bus.server.say(&format!("SET carillon:{{{}}}:heads x", audience())).await;
    let drafts = vec![
        plain(room("other"), "before"),
        progress("copy", now(), "10%"),
        plain(room("other"), "behind"),
    ];
    let results = node.link.publisher.publish_all(drafts).await;
    let taken: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, false, true], "{results:?}");
    let error = results[1].as_ref().expect_err("it was not taken");
    assert!(!error.is_transient() && error.to_string().contains("hint: a key under our prefix"));
}

#[tokio::test]
async fn ends_that_cannot_be_kept_harm_nobody_else_of_a_batch() {
    let (bus, node) = OverRedis::lasting().await;
    node.accepted(plain(audience(), "first")).await;
    bus.server.say(&format!("SET carillon:{{{}}}:shown x", audience())).await;
    let drafts = vec![
        plain(room("other"), "before"),
        end("copy", now(), "end"),
        end("export", now(), "end"),
        plain(room("other"), "behind"),
    ];
    let results = node.link.publisher.publish_all(drafts).await;
    let taken: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, false, false, true], "{results:?}");
    assert!(node.within(Duration::from_hours(1)).await.finals.is_empty(), "nothing was kept");
}
