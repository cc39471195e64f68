//! What a pusher may count on when it queues a message within the process.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use ingest::{Config, DeadLetterStore, DeadLetters, Feed, FeedClosed, Source, Which};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::harness::{PACE, Rig, message, paced, roomy, tight};

const LAG: &str = "carillon_ingest_lag_messages";
const PENDING: &str = "carillon_ingest_pending_messages";

fn config() -> Config {
    Config {
        queue_len_max: 100,
        queue_bytes_max: 1 << 20,
        batch_len_max: 64,
        held_len_max: 100,
        retry_first: Duration::from_millis(10),
        retry_max: Duration::from_millis(100),
        dead_letters_len_max: 10,
        dead_letters_bytes_max: 1 << 20,
    }
}

/// A source that runs until it is stopped.
struct Running {
    dead: DeadLetters,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Running {
    fn start(source: Source) -> Self {
        let (dead, stop, mut task) =
            (source.dead_letters(), CancellationToken::new(), JoinSet::new());
        task.spawn(source.run(stop.clone()));
        Self { dead, stop, task }
    }

    async fn stop(mut self) {
        self.stop.cancel();
        let done = tokio::time::timeout(Duration::from_mins(1), self.task.join_next()).await;
        done.unwrap().unwrap().unwrap();
    }
}

async fn push(feed: &Feed, task: &str, event: &str) {
    feed.push(Bytes::from(message(task, event))).await.unwrap();
}

/// Whether a push would wait if it were tried now.
fn would_wait(feed: &Feed, len_bytes: usize) -> bool {
    let push = pin!(feed.push(Bytes::from(" ".repeat(len_bytes))));
    push.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test(start_paused = true)]
async fn a_pushed_message_is_published_and_acknowledged() {
    let mut rig = Rig::over(roomy()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    push(&feed, "a", "x.complete").await;
    assert_eq!((rig.metric(LAG), rig.metric(PENDING)), (1, 0));
    let running = Running::start(source);
    assert_eq!(rig.next().await, "a x.complete");
    running.stop().await;
    assert_eq!((rig.metric(LAG), rig.metric(PENDING)), (0, 0));
    let published = r#"carillon_ingest_messages_total{outcome="published",source="embedded"}"#;
    assert_eq!(rig.metric(published), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_does_not_take_is_tried_again_in_order() {
    let mut rig = Rig::over(tight()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    for task in ["a", "b", "c"] {
        push(&feed, task, "x.complete").await;
    }
    let running = Running::start(source);
    let not_taken = r#"carillon_ingest_messages_total{outcome="not_taken",source="embedded"}"#;
    while rig.metric(not_taken) < 6 {
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    assert_eq!(rig.metric(PENDING), 2, "one was published, and is acknowledged");
    for task in ["a", "b", "c"] {
        assert_eq!(rig.next().await, format!("{task} x.complete"));
    }
    running.stop().await;
    assert_eq!(rig.metric(PENDING), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_message_becomes_a_dead_letter_and_the_road_stays_open() {
    let mut rig = Rig::over(roomy()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    feed.push(Bytes::from_static(b"{\"userIdentity\":5}")).await.unwrap();
    push(&feed, "a", "x.complete").await;
    let running = Running::start(source);
    assert_eq!(rig.next().await, "a x.complete");
    let dead = running.dead.clone();
    running.stop().await;
    let letters = dead.list();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].reason, letters[0].tries), ("identity", 1));
    assert_eq!(letters[0].json, "{\"userIdentity\":5}");
    assert!(letters[0].error.starts_with("read identity: got nothing"));
    assert_eq!(rig.metric(r#"carillon_dead_letters_total{reason="identity"}"#), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_keeps_the_stamp_of_its_push() {
    let mut rig = Rig::over(roomy()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    push(&feed, "t", "old.progress").await;
    let pushed = SystemTime::now();
    while pushed.elapsed().is_ok_and(|since| since < Duration::from_millis(2)) {
        tokio::task::yield_now().await;
    }
    rig.take(&[message("t", "new.progress")]).await;
    Running::start(source).stop().await;
    assert_eq!(rig.arrived(), ["t new.progress"]);
    let superseded = r#"carillon_ingest_messages_total{outcome="superseded",source="embedded"}"#;
    assert_eq!(rig.metric(superseded), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_makes_pushers_wait() {
    let mut rig = Rig::over(roomy()).await;
    let small = Config { queue_len_max: 2, ..config() };
    let (source, feed) = Source::new(rig.intake.clone(), &small);
    push(&feed, "a", "x.complete").await;
    assert!(!would_wait(&feed, 1));
    assert!(would_wait(&feed, 1));
    let running = Running::start(source);
    assert_eq!(rig.next().await, "a x.complete");
    push(&feed, "b", "x.complete").await;
    assert_eq!(rig.next().await, "b x.complete");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_full_of_bytes_makes_pushers_wait() {
    let rig = Rig::over(roomy()).await;
    let small = Config { queue_bytes_max: 1000, ..config() };
    let (source, feed) = Source::new(rig.intake.clone(), &small);
    assert!(!would_wait(&feed, 600));
    assert!(would_wait(&feed, 401));
    assert!(!would_wait(&feed, 400));
    Running::start(source).stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_longer_than_the_queue_is_refused_not_stuck() {
    let rig = Rig::over(roomy()).await;
    let small = Config { queue_bytes_max: 1000, ..config() };
    let (source, feed) = Source::new(rig.intake.clone(), &small);
    feed.push(Bytes::from("x".repeat(257 * 1024))).await.unwrap();
    let running = Running::start(source);
    let dead = running.dead.clone();
    running.stop().await;
    assert_eq!(dead.list()[0].reason, "too_large");
}

#[tokio::test(start_paused = true)]
async fn stopping_publishes_what_is_queued_and_refuses_more() {
    let mut rig = Rig::over(roomy()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    for task in 0..100 {
        push(&feed, &task.to_string(), "x.complete").await;
    }
    Running::start(source).stop().await;
    assert_eq!(rig.arrived().len(), 100);
    assert_eq!(feed.push(Bytes::from_static(b"{}")).await, Err(FeedClosed));
    assert_eq!((rig.metric(LAG), rig.metric(PENDING)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_a_bus_that_takes_nothing() {
    let mut rig = Rig::over(tight()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    for task in ["a", "b", "c"] {
        push(&feed, task, "x.complete").await;
    }
    Running::start(source).stop().await;
    assert_eq!(rig.arrived(), ["a x.complete"]);
    assert_eq!(rig.metric(PENDING), 0);
}

#[tokio::test(start_paused = true)]
async fn a_source_without_feeds_ends_after_its_last_message() {
    let mut rig = Rig::over(roomy()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    push(&feed, "a", "x.complete").await;
    drop(feed);
    source.run(CancellationToken::new()).await;
    assert_eq!(rig.arrived(), ["a x.complete"]);
}

#[tokio::test(start_paused = true)]
async fn progress_from_the_queue_keeps_the_pace_and_its_end_does_not_wait() {
    let mut rig = Rig::over(paced()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    let running = Running::start(source);
    push(&feed, "t", "1.progress").await;
    assert_eq!(rig.next().await, "t 1.progress");
    let begin = Instant::now();
    for event in ["2.progress", "3.progress", "4.progress"] {
        push(&feed, "t", event).await;
    }
    assert_eq!(rig.next().await, "t 4.progress");
    assert!(begin.elapsed() >= PACE && begin.elapsed() < PACE + PACE / 10);
    push(&feed, "t", "5.progress").await;
    push(&feed, "t", "6.complete").await;
    assert_eq!(rig.next().await, "t 6.complete");
    assert!(begin.elapsed() >= PACE && begin.elapsed() < PACE + PACE / 10);
    running.stop().await;
    assert_eq!((rig.metric(LAG), rig.metric(PENDING)), (0, 0));
    assert_eq!(rig.metric("carillon_conflated_total"), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_pending_and_is_published_at_a_stop() {
    let mut rig = Rig::over(paced()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    let running = Running::start(source);
    push(&feed, "t", "1.progress").await;
    assert_eq!(rig.next().await, "t 1.progress");
    push(&feed, "t", "2.progress").await;
    while rig.metric(LAG) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.metric(PENDING), 1);
    running.stop().await;
    assert_eq!(rig.arrived(), ["t 2.progress"]);
    assert_eq!(rig.metric(PENDING), 0);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_holds_as_much_as_it_may_reads_no_more_until_some_had_its_turn() {
    let mut rig = Rig::over(paced()).await;
    let small = Config { held_len_max: 2, batch_len_max: 1, ..config() };
    let (source, feed) = Source::new(rig.intake.clone(), &small);
    let running = Running::start(source);
    for event in ["1.progress", "2.progress", "3.progress", "4.progress"] {
        push(&feed, "t", event).await;
    }
    assert_eq!(rig.next().await, "t 1.progress");
    for event in ["3.progress", "4.progress"] {
        assert_eq!(rig.next().await, format!("t {event}"));
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn letters_in_memory_are_listed_handed_in_again_and_let_go() {
    let mut rig = Rig::over(roomy()).await;
    let (source, feed) = Source::new(rig.intake.clone(), &config());
    for bad in ["1", "2", "3"] {
        feed.push(Bytes::from(bad)).await.unwrap();
    }
    let store = DeadLetterStore::in_memory(source.dead_letters(), feed.clone());
    let running = Running::start(source);
    push(&feed, "a", "x.complete").await;
    assert_eq!(rig.next().await, "a x.complete");
    let page = store.list(None, 2).await.unwrap();
    let rest = store.list(Some(page[1].0), 2).await.unwrap();
    let all: Vec<_> = page.iter().chain(&rest).map(|(_, letter)| letter.json.clone()).collect();
    assert_eq!((all, page.len()), (vec!["3".into(), "2".into(), "1".into()], 2));
    assert_eq!(store.discard(Which::One(page[0].0)).await.unwrap(), 1);
    assert_eq!(store.replay(Which::All).await.unwrap(), 2);
    running.stop().await;
    assert_eq!(store.count().await.unwrap(), 2, "they were tried again, and are dead again");
    assert_eq!(store.discard(Which::All).await.unwrap(), 2);
}
