//! How logging in, being put out and leaving may cross.

use std::cell::RefCell;

use notice::{Audience, Namespace, Room, Scope};

use super::*;

const ROOMS_MAX: usize = 4;

fn room(name: &str) -> Audience {
    let scope = Scope::Room(Room::new(name).expect("a room"));
    Audience { namespace: Namespace::root(), scope }
}

/// What was done to the membership when a login came to its end, and whether the seat was still there.
fn finished(stays: &Stays, got_in: bool) -> (Vec<&'static str>, bool) {
    let done = RefCell::new(Vec::new());
    let note = |what| done.borrow_mut().push(what);
    let is_here = stays.finish(&room("1"), got_in, || note("join"), || note("leave"));
    (done.into_inner(), is_here)
}

/// Whether it is put out, where the adapter holds it or does not.
fn put_out(stays: &Stays, holds: bool) -> bool {
    stays.put_out(&room("1"), || holds, || {})
}

/// In the room.
fn settled() -> Stays {
    let stays = Stays::default();
    assert_eq!(stays.begin(&room("1"), ROOMS_MAX), Ok(Before::Out));
    assert_eq!(finished(&stays, true), (vec!["join"], true));
    stays
}

#[test]
fn who_is_let_in_is_a_member_until_it_is_put_out_once() {
    let stays = settled();
    assert!(put_out(&stays, false));
    assert!(!put_out(&stays, false), "it is out already");
    assert_eq!(stays.begin(&room("1"), ROOMS_MAX), Ok(Before::Out));
}

#[test]
fn who_is_refused_is_no_member_and_stays_what_it_was() {
    let stays = Stays::default();
    stays.begin(&room("1"), ROOMS_MAX).unwrap();
    assert_eq!(finished(&stays, false), (vec!["leave"], true));
    let stays = settled();
    assert_eq!(stays.begin(&room("1"), ROOMS_MAX), Ok(Before::In));
    assert_eq!(finished(&stays, false), (vec![], true));
    assert!(put_out(&stays, false), "it was in still");
}

#[test]
fn a_late_word_about_an_earlier_stay_does_not_end_a_later_one() {
    let stays = settled();
    assert!(!put_out(&stays, true));
    assert!(put_out(&stays, false));
}

#[tokio::test]
async fn what_is_owed_waits_for_the_turn_and_is_owed_once() {
    let stays = settled();
    let turn = stays.turn().await;
    stays.owe(&room("1"));
    stays.owe(&room("1"));
    stays.owe(&room("where it is not"));
    assert!(stays.owes() && stays.try_turn().is_none());
    drop(turn);
    assert!(stays.try_turn().is_some());
    assert_eq!(stays.take_owed(), [room("1")]);
    assert!(!stays.owes());
}

#[test]
fn a_login_that_is_given_up_leaves_what_was_before() {
    let stays = Stays::default();
    stays.begin(&room("1"), ROOMS_MAX).unwrap();
    stays.abandon(&room("1"));
    assert_eq!(stays.begin(&room("1"), ROOMS_MAX), Ok(Before::Out));
    let stays = settled();
    stays.begin(&room("1"), ROOMS_MAX).unwrap();
    stays.abandon(&room("1"));
    assert!(put_out(&stays, false));
}

#[test]
fn a_seat_that_left_gets_in_nowhere() {
    let stays = settled();
    stays.begin(&room("1"), ROOMS_MAX).unwrap();
    assert_eq!(stays.leave_all(), [room("1")]);
    assert_eq!(finished(&stays, true), (vec!["leave"], false));
    assert_eq!(stays.begin(&room("2"), ROOMS_MAX), Err(Fault::Gone));
}

#[test]
fn a_seat_is_in_so_many_rooms_and_no_more() {
    let stays = Stays::default();
    for at in 0..ROOMS_MAX {
        stays.begin(&room(&at.to_string()), ROOMS_MAX).unwrap();
    }
    assert_eq!(stays.begin(&room("one more"), ROOMS_MAX), Err(Fault::TooManyRooms));
    stays.abandon(&room("0"));
    assert_eq!(stays.begin(&room("one more"), ROOMS_MAX), Ok(Before::Out));
}
