//! How what the store says of one login may cross another of the same member.

use std::time::Duration;

use notice::{Namespace, Room, Scope};

use super::*;

fn room() -> Audience {
    let scope = Scope::Room(Room::new("1").expect("a room"));
    Audience { namespace: Namespace::root(), scope }
}

fn member() -> SocketId {
    SocketId::new("a").expect("a socket")
}

fn stand(ticket: Ticket) -> Stand {
    let sure_until = Instant::now() + Duration::from_secs(10);
    Stand { ticket, epoch: "e".to_owned(), generation: 1, sure_until }
}

fn begin(held: &Held) -> Ticket {
    held.begin(&room(), &member(), "").expect("there is a place")
}

/// One member, in by its first login.
fn held() -> (Held, Ticket) {
    let held = Held::new(1);
    let ticket = begin(&held);
    assert!(!held.holds(&room(), &member()), "it is on its way");
    assert!(held.succeed(&room(), &member(), stand(ticket)));
    assert!(held.holds(&room(), &member()));
    (held, ticket)
}

#[tokio::test]
async fn a_word_about_an_earlier_login_does_not_concern_a_later_one() {
    let (held, first) = held();
    let second = begin(&held);
    held.succeed(&room(), &member(), stand(second));
    assert!(!held.put_out(&room(), &member(), first));
    assert!(held.holds(&room(), &member()));
    assert!(held.put_out(&room(), &member(), second));
    assert!(!held.holds(&room(), &member()));
}

#[tokio::test]
async fn who_is_put_out_before_the_answer_comes_is_not_in_when_it_does() {
    let held = Held::new(1);
    let ticket = begin(&held);
    assert!(held.put_out(&room(), &member(), ticket));
    assert!(held.succeed(&room(), &member(), stand(ticket)), "the store knows of it");
    assert!(!held.holds(&room(), &member()));
    assert!(held.due().is_empty());
}

#[tokio::test]
async fn who_leaves_before_the_answer_comes_is_given_back() {
    let held = Held::new(1);
    let ticket = begin(&held);
    assert_eq!(held.leave(&room(), &member()).map(|over| over.ticket), Some(ticket));
    assert!(!held.succeed(&room(), &member(), stand(ticket)));
}

#[tokio::test]
async fn a_login_in_doubt_is_given_back_unless_the_member_is_in() {
    let held = Held::new(1);
    let ticket = begin(&held);
    assert!(held.doubt(&room(), &member(), ticket));
    let (held, _first) = super::tests::held();
    let second = begin(&held);
    assert!(!held.doubt(&room(), &member(), second));
    assert_eq!(held.due()[0].1[0].stand.ticket, second, "by which the store may know it");
}

#[tokio::test]
async fn what_is_not_sure_any_more_is_over() {
    let (held, ticket) = held();
    assert!(held.expire(Instant::now()).is_empty());
    let over = held.expire(Instant::now() + Duration::from_secs(11));
    assert_eq!(over[0].ticket, ticket);
    assert!(!held.holds(&room(), &member()));
    held.renew(&room(), &member(), stand(ticket));
    assert!(!held.holds(&room(), &member()), "an answer that comes late brings nothing back");
}

#[tokio::test]
async fn a_renewal_never_shortens() {
    let (held, ticket) = held();
    let until = held.due()[0].1[0].stand.sure_until;
    held.renew(&room(), &member(), Stand { sure_until: Instant::now(), ..stand(ticket) });
    assert_eq!(held.due()[0].1[0].stand.sure_until, until);
}

#[tokio::test]
async fn so_many_rooms_are_held_and_no_more() {
    let (held, _ticket) = held();
    let scope = Scope::Room(Room::new("2").expect("a room"));
    let other = Audience { scope, ..room() };
    assert_eq!(held.begin(&other, &member(), ""), Err(1));
    held.leave(&room(), &member());
    assert!(held.begin(&other, &member(), "").is_ok());
}
