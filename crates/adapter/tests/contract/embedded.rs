//! The bus in memory, held to the contract, and what only it promises.

use std::{sync::Arc, time::Duration};

use adapter::{BusError, Config, Embedded, PublishError, Published};
use notice::NodeId;
use prometheus::{Registry, TextEncoder};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    contract,
    drafts::{audience, end, now, plain, progress, room, text_of, version},
    kept_rooms::kept_rooms,
    subject::{Node, Subject},
    uplink::Fields,
};

contract! { tokio::test(start_paused = true), super::InMemory }

/// A bus in memory on a paused clock.
struct InMemory {
    bus: Embedded,
    registry: Registry,
    _stop: DropGuard,
    _running: JoinSet<()>,
}

impl Subject for InMemory {
    fn config() -> Config {
        Config {
            finals_keep: 1_000,
            finals_age: Duration::from_hours(24),
            live_age: Duration::from_hours(6),
            ended_age: Duration::from_hours(24),
            inbox_len_max: 1_000,
            interest_linger: Duration::from_secs(1),
            tasks_per_user_max: 1_000,
            audiences_max: 1_000,
            progress_pace: Duration::ZERO,
            publish_wait: Duration::from_secs(5),
            login_lease: Duration::from_secs(15),
            room_members_max: 100_000,
            login_rooms_max: 1_000_000,
            revocations_max: 10,
            kept_rooms: kept_rooms(),
            uplink: Some("uplink".to_owned()),
            node_lease: Duration::from_secs(15),
            seats_held: None,
        }
    }

    async fn start(config: Config) -> Self {
        let registry = Registry::new();
        let bus = Embedded::new(config, &registry).expect("the registry is new");
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let (sweeper, stopped) = (bus.clone(), stop.clone());
        running.spawn(async move { sweeper.run(stopped).await });
        Self { bus, registry, _stop: stop.drop_guard(), _running: running }
    }

    async fn link_as(&self, name: &str) -> Node {
        self.bus.link(NodeId::new(name).expect("a node")).into()
    }

    async fn uplinked(&self) -> Vec<Fields> {
        let entries = self.bus.uplinked().into_iter();
        let owned = |fields: Vec<(&str, String)>| {
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        };
        entries.map(owned).collect()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

/// A bus whose one listener has one place in its inbox, which is taken.
async fn full_inbox() -> (InMemory, Node) {
    let config = Config { inbox_len_max: 1, ..InMemory::config() };
    let (bus, node) = InMemory::one_with(config).await;
    node.enter(&audience()).await;
    node.accepted(progress("copy", version(1.0), "first")).await;
    (bus, node)
}

#[tokio::test(start_paused = true)]
async fn a_publisher_waits_for_a_full_inbox_and_goes_on_when_there_is_room() {
    let (bus, mut node) = full_inbox().await;
    let worker = bus.link().await;
    let publishing = worker.accepted(progress("copy", version(2.0), "second"));
    let (id, texts) = tokio::join!(publishing, node.hear_texts(2));
    assert_eq!(id.position.seq, 2);
    assert_eq!(texts, ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_that_stays_full_refuses_and_nothing_is_stored() {
    let (bus, mut node) = full_inbox().await;
    let mut other = bus.link().await;
    other.enter(&audience()).await;
    let error = node.try_publish(end("copy", now(), "end")).await.expect_err("there is no room");
    assert!(matches!(error, PublishError::Backlogged { inbox_len_max: 1, .. }), "{error}");
    assert!(error.is_transient());
    assert_eq!(node.tasks().await, ["first"]);

    assert_eq!(node.hear_texts(1).await, ["first"]);
    let id = node.accepted(end("copy", now(), "end again")).await;
    assert_eq!(id.position.seq, 2);
    assert_eq!(other.hear_texts(1).await, ["end again"]);
}

#[tokio::test(start_paused = true)]
async fn a_publish_given_up_while_it_waits_leaves_nothing() {
    let (_bus, mut node) = full_inbox().await;
    let draft = end("copy", now(), "end");
    timeout(Duration::from_secs(1), node.publish(draft)).await.expect_err("there is no room");
    assert_eq!(node.hear_texts(1).await, ["first"]);
    assert!(node.link.inbox.try_next().is_none());
    assert_eq!(node.tasks().await, ["first"]);
}

#[tokio::test(start_paused = true)]
async fn a_progress_that_waited_is_judged_again() {
    let (bus, mut node) = full_inbox().await;
    let (one, other) = (bus.link().await, bus.link().await);
    let newer = one.publish(progress("copy", version(3.0), "third"));
    let older = other.publish(progress("copy", version(2.0), "second"));
    let (newer, older, texts) = tokio::join!(newer, older, node.hear_texts(2));
    assert!(matches!(newer, Published::Accepted { .. }));
    assert_eq!(older, Published::Superseded);
    assert_eq!(texts, ["first", "third"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_transient_failure_publish_all_does_not_try_the_rest() {
    let (_bus, node) = full_inbox().await;
    let drafts = vec![
        plain(room("nobody"), "taken"),
        progress("copy", version(2.0), "no room"),
        plain(room("nobody"), "not tried"),
    ];
    let results = node.link.publisher.publish_all(drafts).await;
    assert!(matches!(
        results.as_slice(),
        [
            Ok(Published::Accepted { .. }),
            Err(PublishError::Backlogged { .. }),
            Err(PublishError::Backlogged { .. }),
        ]
    ));
    assert_eq!(node.accepted(plain(room("nobody"), "next")).await.position.seq, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_inbox_sets_free_the_publisher_that_waits_for_it() {
    let (bus, node) = full_inbox().await;
    let worker = bus.link().await;
    let leaving = async { drop(node.link.inbox) };
    let ((_, nodes), ()) =
        tokio::join!(worker.accepted_by(progress("copy", version(2.0), "second")), leaving);
    assert_eq!(nodes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishers_that_wait_for_the_same_full_inboxes_all_get_through() {
    const COUNT: usize = 200;
    let config = Config { inbox_len_max: 1, ..InMemory::config() };
    let (bus, mut one) = InMemory::one_with(config).await;
    let (mut other, worker) = (bus.link().await, bus.link().await);
    other.enter(&audience()).await;
    one.enter(&audience()).await;
    let publish = async || {
        for _ in 0..COUNT {
            worker.accepted(plain(audience(), "one of many")).await;
        }
    };
    let publishing = async { tokio::join!(publish(), publish(), publish()) };
    let all =
        async { tokio::join!(publishing, one.hear_texts(3 * COUNT), other.hear_texts(3 * COUNT)) };
    timeout(Duration::from_secs(20), all).await.expect("nobody waits for ever");
}

#[tokio::test(start_paused = true)]
async fn one_audience_too_many_is_refused_until_another_is_gone() {
    let config = Config { audiences_max: 2, ..InMemory::config() };
    let (bus, node) = InMemory::one_with(config).await;
    node.accepted(plain(room("a"), "a")).await;
    node.accepted(end("copy", now(), "end")).await;
    let error = node.try_publish(plain(room("b"), "b")).await.expect_err("two are counted");
    assert!(matches!(error, PublishError::Full { len_max: 2, .. }), "{error}");
    node.accepted(plain(room("a"), "a")).await;

    let deadline = Duration::from_hours(1);
    let room_again = async {
        while node.try_publish(plain(room("b"), "b")).await.is_err() {
            bus.pass(Duration::from_secs(1)).await;
        }
    };
    timeout(deadline, room_again).await.expect("what is quiet and kept nothing goes");
    assert_eq!(node.tasks().await, ["end"]);
}

#[tokio::test(start_paused = true)]
async fn listening_to_one_audience_too_many_is_refused_until_another_is_left() {
    let config = Config { audiences_max: 1, ..InMemory::config() };
    let (bus, node) = InMemory::one_with(config).await;
    node.enter(&room("a")).await;
    node.enter(&room("a")).await;
    let error = node.interest().enter(&room("b")).await.expect_err("one is listened to");
    assert!(matches!(error, BusError::Full { len_max: 1, .. }), "{error}");
    node.interest().leave(&room("a"));
    node.interest().leave(&room("a"));
    let left = async {
        while node.interest().enter(&room("b")).await.is_err() {
            bus.pass(Duration::from_millis(500)).await;
        }
    };
    timeout(Duration::from_secs(5), left).await.expect("room a is left for good");
}

#[tokio::test(start_paused = true)]
async fn nodes_share_one_notice_with_the_store() {
    let (bus, mut node) = InMemory::one().await;
    let mut other = bus.link().await;
    node.enter(&audience()).await;
    other.enter(&audience()).await;
    node.accepted(end("copy", now(), "end")).await;
    let (one, two) = (node.hear().await, other.hear().await);
    assert!(Arc::ptr_eq(&one, &two));
    assert!(Arc::ptr_eq(&one, &node.within(Duration::from_secs(1)).await.finals[0]));
    assert_eq!(text_of(&one), "end");
}

#[tokio::test(start_paused = true)]
async fn an_inbox_ends_when_the_bus_is_gone() {
    let (bus, node) = InMemory::one().await;
    node.enter(&audience()).await;
    node.accepted(plain(audience(), "last")).await;
    let mut inbox = node.link.inbox;
    drop((bus, node.link.publisher, node.link.interest, node.link.store, node.link.logins));
    let ending = async {
        let mut count = 0;
        while inbox.next().await.is_some() {
            count += 1;
        }
        count
    };
    assert_eq!(timeout(Duration::from_secs(5), ending).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn every_outcome_is_counted_by_kind() {
    let (bus, node) = full_inbox().await;
    node.publish(progress("copy", version(0.0), "superseded")).await;
    node.try_publish(end("copy", now(), "backlogged")).await.expect_err("there is no room");
    let metrics = TextEncoder::new().encode_to_string(&bus.registry.gather()).expect("it is text");
    for line in [
        r#"carillon_notices_total{kind="progress",outcome="accepted"} 1"#,
        r#"carillon_notices_total{kind="progress",outcome="superseded"} 1"#,
        r#"carillon_notices_total{kind="final",outcome="refused"} 1"#,
        r#"carillon_bus_publish_total{outcome="accepted"} 1"#,
        r#"carillon_bus_publish_total{outcome="superseded"} 1"#,
        r#"carillon_bus_publish_total{outcome="backlogged"} 1"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in:\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_interleavings_of_threads_keep_the_promises_too() {
    crate::interleavings::whatever_the_interleaving_nothing_of_a_task_follows_its_final::<InMemory>()
        .await;
    crate::interleavings::whatever_the_interleaving_the_count_has_no_gap::<InMemory>().await;
    crate::interleavings::whatever_the_interleaving_the_newest_is_shown::<InMemory>().await;
}
