//! How logging in, being put out and leaving may cross.

use std::cell::RefCell;

use notice::{Audience, Namespace, Room, Scope};

use super::*;

fn room(name: &str) -> Audience {
    let scope = Scope::Room(Room::new(name).expect("a room"));
    Audience { namespace: Namespace::root(), scope }
}

/// What was done to the membership while a login came to its end.
fn finished(stays: &Stays, got_in: bool, holds: bool) -> (Vec<&'static str>, Verdict) {
    let done = RefCell::new(Vec::new());
    let note = |what| done.borrow_mut().push(what);
    let verdict = stays.finish(&room("1"), got_in, || holds, || note("join"), || note("leave"));
    (done.into_inner(), verdict)
}

fn put_out(stays: &Stays) -> bool {
    stays.put_out(&room("1"), || {})
}

/// In the room.
fn settled() -> Stays {
    let stays = Stays::default();
    assert_eq!(stays.begin(&room("1")), Ok(Before::Out));
    assert_eq!(finished(&stays, true, true).0, ["join"]);
    stays
}

#[test]
fn who_is_let_in_is_a_member_until_it_is_put_out_once() {
    let stays = settled();
    assert!(put_out(&stays));
    assert!(!put_out(&stays), "it is out already");
    assert_eq!(stays.begin(&room("1")), Ok(Before::Out));
}

#[test]
fn who_is_refused_is_no_member_and_stays_what_it_was() {
    let stays = Stays::default();
    stays.begin(&room("1")).unwrap();
    assert_eq!(finished(&stays, false, false).0, ["leave"]);
    let stays = settled();
    assert_eq!(stays.begin(&room("1")), Ok(Before::In));
    assert!(finished(&stays, false, true).0.is_empty());
    assert!(put_out(&stays), "it is in still");
}

#[test]
fn who_is_put_out_before_its_answer_comes_is_told_after_it() {
    let stays = Stays::default();
    stays.begin(&room("1")).unwrap();
    assert!(!put_out(&stays), "it is seen to at the end of the login");
    let (done, verdict) = finished(&stays, true, false);
    assert_eq!(done, ["leave"]);
    assert!(verdict.is_put_out_again && !verdict.was_put_out_before);
    assert_eq!(stays.begin(&room("1")), Ok(Before::Out));
}

#[test]
fn who_is_put_out_of_an_earlier_stay_while_it_logs_in_again_is_told_before_the_answer() {
    let stays = settled();
    stays.begin(&room("1")).unwrap();
    put_out(&stays);
    let (done, verdict) = finished(&stays, true, true);
    assert!(done.is_empty(), "it is a member still");
    assert!(verdict.was_put_out_before && !verdict.is_put_out_again);
    assert!(put_out(&stays));

    let stays = settled();
    stays.begin(&room("1")).unwrap();
    put_out(&stays);
    let (done, verdict) = finished(&stays, false, false);
    assert_eq!(done, ["leave"]);
    assert!(verdict.was_put_out_before && !verdict.is_put_out_again);
}

#[test]
fn a_login_that_is_given_up_leaves_what_was_before() {
    let stays = Stays::default();
    stays.begin(&room("1")).unwrap();
    stays.abandon(&room("1"));
    assert_eq!(stays.begin(&room("1")), Ok(Before::Out));
    let stays = settled();
    stays.begin(&room("1")).unwrap();
    stays.abandon(&room("1"));
    assert!(put_out(&stays));
}

#[test]
fn a_seat_that_left_gets_in_nowhere() {
    let stays = settled();
    stays.begin(&room("1")).unwrap();
    assert_eq!(stays.leave_all(), [room("1")]);
    let (done, verdict) = finished(&stays, true, true);
    assert_eq!(done, ["leave"]);
    assert!(verdict.has_left);
    assert_eq!(stays.begin(&room("2")), Err(Fault::Gone));
}

#[test]
fn a_seat_is_in_so_many_rooms_and_no_more() {
    let stays = Stays::default();
    for at in 0..ROOMS_MAX {
        stays.begin(&room(&at.to_string())).unwrap();
    }
    assert_eq!(stays.begin(&room("one more")), Err(Fault::TooManyRooms));
    stays.abandon(&room("0"));
    assert_eq!(stays.begin(&room("one more")), Ok(Before::Out));
}
