//! Logins over a Redis that is away, slow, new, or has forgotten.

use adapter::{Arrival, Config, LoginError, LoginMode, LoginOutcome};
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::{DEADLINE, OverRedis};
use crate::{
    drafts::{audience, plain, room},
    logins::{login, two},
    server::Server,
    subject::{Node, Subject},
};
use LoginMode::{First, Last, Whenever};

async fn signal(bus: &OverRedis, word: &str) {
    send(&bus.server, word).await;
}

/// Stops a server's process, or continues it.
pub(super) async fn send(server: &Server, signal: &str) {
    let pid = server.pid().to_string();
    let done = Command::new("kill").args([signal, &pid]).status().await;
    assert!(done.expect("kill is installed").success());
}

/// Until it is in.
async fn let_in(node: &Node, member: &str, mode: LoginMode) {
    let trying = async {
        while !matches!(node.try_login(login(member, mode)).await, Ok(LoginOutcome::In)) {
            sleep(OverRedis::config().login_lease / 50).await;
        }
    };
    timeout(DEADLINE, trying).await.expect("it is let in at last");
}

/// What becomes of a login once the store answers.
async fn answer(node: &Node, mode: LoginMode) -> Result<LoginOutcome, LoginError> {
    let asking = async {
        let mut answer = node.try_login(login("b", mode)).await;
        while matches!(answer, Err(LoginError::Unreachable { .. })) {
            sleep(OverRedis::config().login_lease / 50).await;
            answer = node.try_login(login("b", mode)).await;
        }
        answer
    };
    timeout(DEADLINE, asking).await.expect("the store answers at last")
}

#[tokio::test]
async fn a_lost_kick_is_found_at_the_next_renewal() {
    let (bus, mut one, other) = two::<OverRedis>().await;
    // Not subscribed, so that the word of it is lost.
    one.interest().leave(&room("1"));
    bus.pass(OverRedis::config().interest_linger * 4).await;
    assert!(one.log_in("a", First).await);
    let since = Instant::now();
    assert!(other.log_in("b", Last).await);
    assert_eq!(one.put_out().await, ["a"]);
    assert!(since.elapsed() < OverRedis::config().login_lease / 2, "it took {:?}", since.elapsed());
    assert!(bus.metrics().contains(r#"carillon_put_out_total{cause="found_late"} 1"#));
}

#[tokio::test]
async fn who_was_put_out_is_told_however_long_the_inbox_was_full() {
    let config = Config { inbox_len_max: 1, ..OverRedis::config() };
    let (bus, mut one) = OverRedis::one_with(config).await;
    let other = bus.link_as("other").await;
    assert!(one.log_in("a", First).await);
    one.enter(&audience()).await;
    for _ in 0..3 {
        other.accepted(plain(audience(), "fills the inbox")).await;
    }
    // It is not subscribed to the room, so that the word of it is lost.
    assert!(other.log_in("b", Last).await);
    bus.running.comes_to_count(r#"carillon_put_out_total{cause="found_late"} 1"#).await;
    bus.pass(OverRedis::config().login_lease).await;
    let told =
        async { while !matches!(one.link.inbox.next().await, Some(Arrival::PutOut { .. })) {} };
    timeout(DEADLINE, told).await.expect("it is told behind what filled the inbox");
}

#[tokio::test]
async fn a_kick_is_lost_and_the_taker_leaves_and_still_it_is_found() {
    let (bus, mut one, other) = two::<OverRedis>().await;
    one.interest().leave(&room("1"));
    bus.pass(OverRedis::config().interest_linger * 4).await;
    assert!(one.log_in("a", First).await);
    assert!(other.log_in("b", Last).await);
    other.log_out("b").await;
    assert_eq!(one.put_out().await, ["a"]);
    assert!(other.log_in("c", First).await);
}

#[tokio::test]
async fn a_store_that_is_away_is_said_quickly() {
    let (mut bus, one, _other) = two::<OverRedis>().await;
    bus.server.stop();
    let since = Instant::now();
    let error = one.try_login(login("a", First)).await.expect_err("it is away");
    assert!(matches!(error, LoginError::Unreachable { .. }), "{error}");
    assert!(since.elapsed() < OverRedis::config().login_lease, "it took {:?}", since.elapsed());
}

#[tokio::test]
async fn a_node_that_cannot_renew_puts_its_members_out_before_another_gets_in() {
    let (bus, mut one, other) = two::<OverRedis>().await;
    assert!(one.log_in("a", First).await);
    let since = Instant::now();
    signal(&bus, "-STOP").await;
    let told = async {
        assert_eq!(one.put_out().await, ["a"]);
        Instant::now()
    };
    let continued = async {
        sleep(OverRedis::config().login_lease * 2).await;
        signal(&bus, "-CONT").await;
        let_in(&other, "b", First).await;
        Instant::now()
    };
    let (told, taken) = tokio::join!(told, continued);
    assert!(told < taken);
    assert!(told - since < OverRedis::config().login_lease, "it took {:?}", told - since);
}

#[tokio::test]
async fn a_short_stall_changes_nothing() {
    let (bus, mut one, other) = two::<OverRedis>().await;
    assert!(one.log_in("a", First).await);
    signal(&bus, "-STOP").await;
    let (refused, ()) = tokio::join!(other.log_in("b", First), async {
        sleep(OverRedis::config().login_lease / 5).await;
        signal(&bus, "-CONT").await;
    });
    assert!(!refused);
    bus.pass(OverRedis::config().login_lease * 2).await;
    assert!(!other.log_in("b", First).await);
    assert!(one.link.inbox.try_next().is_none(), "nobody was put out");
}

#[tokio::test]
async fn a_login_that_was_given_up_does_not_keep_others_out() {
    let (bus, one, other) = two::<OverRedis>().await;
    signal(&bus, "-STOP").await;
    let giving_up = timeout(OverRedis::config().login_lease / 10, one.log_in("a", First)).await;
    giving_up.expect_err("the store stands still");
    signal(&bus, "-CONT").await;
    let since = Instant::now();
    let_in(&other, "b", First).await;
    assert!(since.elapsed() < OverRedis::config().login_lease / 2, "it was given back");
}

#[tokio::test]
async fn a_new_store_lets_nobody_in_alone_before_a_lease_is_over_and_members_take_their_places_again()
 {
    let (mut bus, mut one, other) = two::<OverRedis>().await;
    assert!(one.log_in("a", First).await);
    bus.server.stop();
    bus.server.start_again().await;
    let since = Instant::now();
    for mode in [First, Last] {
        let error = answer(&other, mode).await.expect_err("what was before is not known");
        assert!(matches!(error, LoginError::Unsettled { .. }), "{error}");
    }
    let mut outcome = answer(&other, First).await;
    while outcome.is_err() {
        assert!(since.elapsed() < DEADLINE, "it settles");
        sleep(OverRedis::config().login_lease / 20).await;
        outcome = answer(&other, First).await;
    }
    let outcome = outcome.expect("it has settled");
    assert!(since.elapsed() >= OverRedis::config().login_lease / 2);
    match one.link.inbox.try_next() {
        // It could renew in time, and is in; or could not, and was put out before.
        None => assert_eq!(outcome, LoginOutcome::Occupied),
        Some(_) => assert_eq!(outcome, LoginOutcome::In),
    }
}

#[tokio::test]
async fn members_that_the_store_has_lost_take_their_places_again() {
    let (bus, mut one, other) = two::<OverRedis>().await;
    assert!(one.log_in("a", First).await);
    assert!(one.log_in("b", Whenever).await);
    assert!(!other.log_in("c", First).await);
    bus.server.say("FLUSHALL").await;
    bus.pass(OverRedis::config().login_lease / 2).await;
    let answer = other.try_login(login("c", First)).await;
    assert!(matches!(answer, Ok(LoginOutcome::Occupied)), "{answer:?}");
    let error = one.try_login(login("a", Last)).await.expect_err("it has seen that some were lost");
    assert!(matches!(error, LoginError::Unsettled { .. }), "{error}");
    let_in(&one, "a", Last).await;
    assert_eq!(one.put_out().await, ["b"]);
}

#[tokio::test]
async fn a_node_that_stops_gives_back_what_was_left() {
    let (bus, one, other) = two::<OverRedis>().await;
    assert!(one.log_in("a", First).await);
    one.link.logins.leave_soon(&room("1"), &crate::logins::socket("a"));
    drop(one.link.inbox);
    let since = Instant::now();
    let_in(&other, "b", First).await;
    assert!(since.elapsed() < OverRedis::config().login_lease / 2, "it was given back");
    drop(bus);
}
