//! What the memory of a bus comes to when nobody is left.

use std::{sync::Arc, time::SystemTime};

use notice::{Audience, Draft, Kind, NodeId, Order, Origin, Payload, TaskKey, UserId};
use prometheus::Registry;
use tokio::{task::JoinSet, time::Duration};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, embedded::Embedded};

const AGE: Duration = Duration::from_hours(1);

fn config() -> Config {
    Config {
        finals_keep: 10,
        finals_age: AGE,
        live_age: AGE,
        ended_age: AGE,
        inbox_len_max: 10,
        interest_linger: Duration::from_secs(1),
        tasks_per_user_max: 10,
        audiences_max: 1_000,
        progress_pace: Duration::ZERO,
        publish_wait: Duration::ZERO,
        login_lease: Duration::from_secs(15),
        room_members_max: 100_000,
        login_rooms_max: 1_000_000,
        revocations_max: 100_000,
        kept_rooms: notice::RoomPatterns::default(),
        uplink: None,
        node_lease: AGE,
        seats_held: None,
    }
}

fn end(audience: Audience) -> Draft {
    let task = TaskKey { identity: Arc::from("copy"), run: None };
    let kind = Kind::Final { task, order: Order::default() };
    let (payload, handed_in) = (Payload::default(), SystemTime::now());
    let (origin, narrowing) = (Origin::Worker, None);
    Draft { audience, narrowing, event: None, payload, kind, origin, handed_in, trace: None }
}

fn audience(user: usize) -> Audience {
    Audience::tasks_of(UserId::new(&user.to_string()).expect("a number is a user"))
}

/// Runs the bus while `test` does what it does.
async fn while_running(bus: &Embedded, test: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    let (sweeper, stopped) = (bus.clone(), stop.clone());
    running.spawn(async move { sweeper.run(stopped).await });
    test.await;
    stop.cancel();
    running.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_and_who_has_left_leave_no_memory_behind() {
    let bus = Embedded::new(config(), &Registry::new()).expect("the registry is new");
    let link = bus.link(NodeId::new("node").expect("a node"));
    for user in 0..100 {
        link.interest.enter(&audience(user)).await.expect("there is room");
        link.interest.leave(&audience(user));
        link.publisher.publish(end(audience(user + 50))).await.ok();
    }
    assert_eq!(bus.bus.audiences(), 150);
    let emptied = async {
        while bus.bus.audiences() > 0 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    };
    let within = tokio::time::timeout(AGE * 2, emptied);
    while_running(&bus, async { within.await.expect("all is swept") }).await;
}

#[tokio::test(start_paused = true)]
async fn the_interest_of_a_node_that_is_gone_leaves_no_memory_behind() {
    let bus = Embedded::new(config(), &Registry::new()).expect("the registry is new");
    let link = bus.link(NodeId::new("node").expect("a node"));
    for user in 0..100 {
        link.interest.enter(&audience(user)).await.expect("there is room");
    }
    drop(link);
    let emptied = async {
        while bus.bus.audiences() > 0 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    };
    let within = tokio::time::timeout(AGE, emptied);
    while_running(&bus, async { within.await.expect("all is swept") }).await;
}
