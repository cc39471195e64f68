//! What is revoked: known to all nodes once it was taken, and kept for as long as was asked.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adapter::{Mark, News, RevocationError};
use notice::{Revocation, Revoked, TokenId, UserId};
use tokio::time::timeout;

use crate::subject::{DEADLINE, Node, Subject};

const LONG: Duration = Duration::from_hours(1);

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn user(name: &str, before: u64) -> Revocation {
    let whom = Revoked::User(UserId::new(name).expect("a user"));
    Revocation { whom, before: at(before) }
}

fn token(id: &str) -> Revocation {
    Revocation { whom: Revoked::Token(TokenId::new(id).expect("an id")), before: at(1) }
}

impl Node {
    pub(crate) async fn try_revoke(
        &self,
        revocation: &Revocation,
        keep: Duration,
    ) -> Result<(), RevocationError> {
        let adding = self.link.revocations.add(revocation, keep);
        timeout(DEADLINE, adding).await.expect("an answer in time")
    }

    pub(crate) async fn revoke(&self, revocation: &Revocation, keep: Duration) {
        self.try_revoke(revocation, keep).await.expect("there is room");
    }

    pub(crate) async fn revoked_since(&self, mark: Mark) -> News {
        let reading = self.link.revocations.since(mark);
        timeout(DEADLINE, reading).await.expect("an answer in time").expect("the bus answers")
    }

    pub(crate) async fn revoked(&self) -> Vec<Revocation> {
        let news = self.revoked_since(Mark::default()).await;
        news.revocations.into_iter().map(|it| it.revocation).collect()
    }
}

/// All that is ever done with them.
pub(crate) async fn are_noted_and_read(node: &Node) {
    let revocation = user("a", 1);
    node.revoke(&revocation, LONG).await;
    node.revoke(&token("b"), LONG).await;
    assert_eq!(node.revoked().await, [revocation, token("b")]);
}

pub(crate) async fn what_one_node_revokes_every_node_reads_in_that_order<S: Subject>() {
    let (bus, node) = S::one().await;
    let all =
        [user("a:b", 100), token("{jti}"), Revocation { whom: Revoked::Everyone, before: at(7) }];
    for revocation in &all {
        node.revoke(revocation, LONG).await;
    }
    assert_eq!(bus.link_as("later").await.revoked().await, all);
}

pub(crate) async fn a_revocation_is_read_on_from_a_mark<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.revoke(&user("a", 1), LONG).await;
    let first = node.revoked_since(Mark::default()).await;
    assert_eq!(node.revoked_since(first.mark).await.revocations, []);
    node.revoke(&user("b", 1), LONG).await;
    node.revoke(&user("a", 2), LONG).await;
    let news = node.revoked_since(first.mark).await;
    let read: Vec<_> = news.revocations.iter().map(|it| it.revocation.clone()).collect();
    assert_eq!(read, [user("b", 1), user("a", 2)]);
    assert!(!news.more);
}

pub(crate) async fn of_two_about_the_same_the_later_instant_and_the_later_end_hold<S: Subject>() {
    let (bus, node) = S::one().await;
    node.revoke(&user("a", 200), Duration::from_millis(700)).await;
    node.revoke(&user("a", 100), LONG).await;
    bus.pass(Duration::from_secs(1)).await;
    assert_eq!(node.revoked().await, [user("a", 200)]);
}

pub(crate) async fn a_revocation_is_kept_for_as_long_as_was_asked<S: Subject>() {
    let (bus, node) = S::one().await;
    node.revoke(&user("a", 1), Duration::from_millis(500)).await;
    node.revoke(&user("b", 1), LONG).await;
    bus.pass(Duration::from_secs(1)).await;
    let kept = node.revoked_since(Mark::default()).await.revocations;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].left + DEADLINE > LONG && kept[0].left <= LONG, "{kept:?}");
}

/// [`Subject::config`] has ten places.
pub(crate) async fn one_revocation_too_many_is_refused_until_another_has_ended<S: Subject>() {
    let (bus, node) = S::one().await;
    node.revoke(&token("short"), Duration::from_secs(2)).await;
    for number in 1..10 {
        node.revoke(&token(&number.to_string()), LONG).await;
    }
    let refused = node.try_revoke(&token("further"), LONG).await;
    assert!(matches!(refused, Err(RevocationError::Full { len_max: 10 })), "{refused:?}");
    node.revoke(&token("1"), LONG).await;
    bus.pass(Duration::from_secs(3)).await;
    node.revoke(&token("further"), LONG).await;
}

pub(crate) async fn more_than_one_reading_takes_is_read_in_parts<S: Subject>() {
    let config = adapter::Config { revocations_max: 2_000, ..S::config() };
    let (_bus, node) = S::one_with(config).await;
    for number in 0..1_005 {
        node.revoke(&token(&number.to_string()), LONG).await;
    }
    let part = node.revoked_since(Mark::default()).await;
    assert!(part.more && part.revocations.len() == 1_000);
    let rest = node.revoked_since(part.mark).await;
    assert!(!rest.more && rest.revocations.len() == 5);
    assert_eq!(rest.revocations[4].revocation, token("1004"));
}
