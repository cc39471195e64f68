//! Who is in a room, by the modes of logging in.

use adapter::{Arrival, Config, Login, LoginError, LoginMode, LoginOutcome, Resume};
use notice::{Audience, ResumeKey, SocketId, UserId};
use tokio::time::timeout;

use crate::{
    drafts::{audience, plain, room},
    subject::{DEADLINE, Node, Subject},
};
use LoginMode::{First, Last, Whenever};

pub(crate) fn socket(name: &str) -> SocketId {
    SocketId::new(name).expect("tests name sockets well")
}

pub(crate) fn login(member: &str, mode: LoginMode) -> Login {
    Login { member: socket(member), mode, resume: None }
}

fn resuming(user: Option<&str>, key: &str, member: &str, mode: LoginMode) -> Login {
    let user = user.map(|user| UserId::new(user).expect("a user"));
    let key = ResumeKey::new(key).expect("a key");
    Login { resume: Some(Resume { user, key }), ..login(member, mode) }
}

impl Node {
    pub(crate) async fn try_login(&self, login: Login) -> Result<LoginOutcome, LoginError> {
        self.link.logins.login(&room("1"), login).await
    }

    /// Logs in to room 1. Whether it is in.
    pub(crate) async fn log_in(&self, member: &str, mode: LoginMode) -> bool {
        self.decided(login(member, mode)).await
    }

    pub(crate) async fn decided(&self, login: Login) -> bool {
        self.try_login(login).await.expect("the bus answers") == LoginOutcome::In
    }

    pub(crate) async fn log_out(&self, member: &str) {
        self.link.logins.leave(&room("1"), &socket(member)).await;
    }

    /// Who is put out next of room 1, which must happen.
    pub(crate) async fn put_out(&mut self) -> Vec<String> {
        match timeout(DEADLINE, self.link.inbox.next()).await {
            Ok(Some(Arrival::PutOut { room: from, members })) if from == room("1") => {
                let mut members: Vec<_> = members.iter().map(ToString::to_string).collect();
                members.sort();
                members
            }
            other => panic!("members were to be put out, not {other:?}"),
        }
    }
}

/// A bus with two nodes that listen to room 1.
pub(crate) async fn two<S: Subject>() -> (S, Node, Node) {
    let (bus, one) = S::one().await;
    let other = bus.link().await;
    one.enter(&room("1")).await;
    other.enter(&room("1")).await;
    (bus, one, other)
}

pub(crate) async fn the_first_is_in_and_the_second_is_told_that_somebody_is<S: Subject>() {
    let (_bus, one, other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    assert!(!other.log_in("b", First).await);
    assert!(!one.log_in("c", First).await);
}

pub(crate) async fn first_is_refused_while_anybody_is_in_however_they_came<S: Subject>() {
    for mode in [First, Last, Whenever] {
        let (_bus, one, other) = two::<S>().await;
        assert!(one.log_in("a", mode).await);
        assert!(!other.log_in("b", First).await, "after {mode:?}");
        one.log_out("a").await;
        assert!(other.log_in("b", First).await, "after {mode:?} and leaving");
    }
}

pub(crate) async fn last_puts_out_everybody_on_every_node<S: Subject>() {
    let (_bus, mut one, mut other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    assert!(one.log_in("b", Whenever).await);
    assert!(other.log_in("c", Whenever).await);
    assert!(other.log_in("d", Last).await);
    assert_eq!(one.put_out().await, ["a", "b"]);
    assert_eq!(other.put_out().await, ["c"]);
    assert!(one.log_in("a", Last).await);
    assert_eq!(other.put_out().await, ["d"]);
}

pub(crate) async fn whenever_always_joins<S: Subject>() {
    let (_bus, one, other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    assert!(other.log_in("b", Whenever).await);
    one.log_out("a").await;
    assert!(!one.log_in("a", First).await, "b is in still");
}

pub(crate) async fn who_is_in_already_stays_in_and_its_mode_applies<S: Subject>() {
    let (_bus, one, mut other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    assert!(one.log_in("a", First).await);
    assert!(other.log_in("b", Whenever).await);
    assert!(one.log_in("a", First).await, "it is in, and not let in");
    assert!(one.log_in("a", Last).await);
    assert_eq!(other.put_out().await, ["b"]);
    one.log_out("a").await;
    assert!(other.log_in("c", First).await, "it was in once, however often it logged in");
}

pub(crate) async fn a_member_that_leaves_makes_room<S: Subject>() {
    let (_bus, one, other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    one.log_out("a").await;
    assert!(other.log_in("b", First).await);
    other.link.logins.leave_soon(&room("1"), &socket("b"));
    let let_in = async { while !one.log_in("a", First).await {} };
    timeout(S::config().login_lease / 2, let_in).await.expect("it was given back, not run out");
}

pub(crate) async fn nobody_leaves_for_another_nodes_member<S: Subject>() {
    let (_bus, one, other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    other.log_out("a").await;
    one.log_out("b").await;
    assert!(!other.log_in("b", First).await);
}

pub(crate) async fn rooms_are_held_apart<S: Subject>() {
    let (_bus, one, other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    for name in ["2", "1 ", "{1}"] {
        let outcome = other.link.logins.login(&room(name), login("b", First)).await;
        assert_eq!(outcome.expect("the bus answers"), LoginOutcome::In, "{name:?}");
    }
}

pub(crate) async fn a_resume_key_replaces_its_earlier_member_and_no_other<S: Subject>() {
    let (_bus, mut one, mut other) = two::<S>().await;
    assert!(one.decided(resuming(None, "key", "ghost", First)).await);
    assert!(!other.decided(resuming(None, "another", "b", First)).await);
    assert!(other.decided(resuming(None, "key", "back", First)).await);
    assert_eq!(one.put_out().await, ["ghost"]);
    assert!(one.log_in("c", Whenever).await);
    assert!(one.decided(resuming(None, "key", "again", Whenever)).await);
    assert_eq!(other.put_out().await, ["back"]);
    one.log_out("again").await;
    assert!(!other.log_in("d", First).await, "c is in still");
    one.log_out("c").await;
    assert!(other.log_in("d", First).await);
}

pub(crate) async fn a_resume_key_is_its_users_alone<S: Subject>() {
    let (_bus, mut one, other) = two::<S>().await;
    assert!(one.decided(resuming(Some("5"), "key", "a", First)).await);
    for (user, key) in [(None, "key"), (Some("6"), "key"), (None, "5:key"), (None, "1:5:key")] {
        assert!(!other.decided(resuming(user, key, "b", First)).await, "{user:?} {key}");
    }
    assert!(other.decided(resuming(Some("5"), "key", "b", First)).await);
    assert_eq!(one.put_out().await, ["a"]);
}

pub(crate) async fn a_resume_key_does_not_get_past_another_member<S: Subject>() {
    let (_bus, mut one, other) = two::<S>().await;
    assert!(one.decided(resuming(None, "key", "ghost", First)).await);
    assert!(other.log_in("b", Whenever).await);
    assert!(!other.decided(resuming(None, "key", "back", First)).await);
    assert!(other.log_in("b", Last).await);
    assert_eq!(one.put_out().await, ["ghost"], "nothing had changed for it");
}

pub(crate) async fn a_member_stays_in_for_as_long_as_its_node_lives<S: Subject>() {
    let (bus, mut one, other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    for _ in 0..5 {
        bus.pass(S::config().login_lease / 2).await;
        assert!(!other.log_in("b", First).await);
    }
    assert!(one.link.inbox.try_next().is_none());
}

pub(crate) async fn the_members_of_a_dead_node_stop_counting_within_the_lease<S: Subject>() {
    let (bus, one, other) = two::<S>().await;
    assert!(one.log_in("a", First).await);
    assert!(one.log_in("b", Whenever).await);
    drop(one.link.inbox);
    bus.pass(S::config().login_lease).await;
    assert!(other.log_in("c", First).await);
}

pub(crate) async fn one_member_too_many_is_refused_and_last_needs_no_place<S: Subject>() {
    let (bus, one) = S::one_with(Config { room_members_max: 2, ..S::config() }).await;
    let mut other = bus.link().await;
    assert!(other.log_in("a", Whenever).await);
    assert!(other.decided(resuming(None, "key", "b", Whenever)).await);
    let error = one.try_login(login("c", Whenever)).await.expect_err("two are in");
    assert!(matches!(error, LoginError::Full { len_max: 2, .. }), "{error}");
    assert!(other.log_in("a", Whenever).await, "it has its place");
    other.enter(&room("1")).await;
    assert!(one.decided(resuming(None, "key", "c", Whenever)).await, "it takes the place of b");
    assert_eq!(other.put_out().await, ["b"]);
    assert!(one.log_in("d", Last).await);
    assert_eq!(other.put_out().await, ["a"]);
}

pub(crate) async fn one_room_too_many_is_refused_until_another_is_left<S: Subject>() {
    let (_bus, one) = S::one_with(Config { login_rooms_max: 1, ..S::config() }).await;
    assert!(one.log_in("a", First).await);
    let logins = &one.link.logins;
    let other: Audience = room("2");
    let error = logins.login(&other, login("a", First)).await.expect_err("one is held");
    assert!(matches!(error, LoginError::Full { len_max: 1, .. }), "{error}");
    one.log_out("a").await;
    let outcome = logins.login(&other, login("a", First)).await;
    assert_eq!(outcome.expect("there is a place"), LoginOutcome::In);
    // What is counted is rooms that are held, not what is told in others.
    one.enter(&audience()).await;
    one.accepted(plain(audience(), "note")).await;
}
