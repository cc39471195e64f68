//! Rooms whose plain notices are kept for those who come later: those called `kept:…`.

use std::sync::Arc;

use adapter::{Config, PublishError, Published, Since};
use notice::{
    Audience, Draft, Epoch, Kind, Narrowing, Position, Room, RoomPattern, RoomPatterns, Scope,
    SocketId,
};

use crate::{
    drafts::{plain, room},
    subject::{Node, Subject, texts},
};

/// What every bus of these tests keeps.
pub(crate) fn kept_rooms() -> RoomPatterns {
    RoomPatterns::from_iter([RoomPattern::new("kept:*").expect("it is a pattern")])
}

fn kept() -> Audience {
    room("kept:1")
}

fn start(of: &Position) -> Position {
    Position { seq: 0, ..of.clone() }
}

async fn after(node: &Node, position: &Position) -> Vec<String> {
    texts(&node.catch_up_on(&kept(), Since::Position(position)).await.finals)
}

pub(crate) async fn what_a_kept_room_was_told_is_kept_in_order_and_nothing_of_other_rooms<
    S: Subject,
>() {
    let (_bus, node) = S::one().await;
    let first = node.accepted(plain(kept(), "one")).await.position;
    node.accepted(plain(kept(), "two")).await;
    let newest = node.accepted(plain(kept(), "three")).await.position;
    let other = node.accepted(plain(room("other"), "none")).await.position;
    assert_eq!(after(&node, &start(&first)).await, ["one", "two", "three"]);
    let caught = node.catch_up_on(&kept(), Since::Position(&first)).await;
    assert_eq!(texts(&caught.finals), ["two", "three"]);
    assert!(caught.finals.iter().all(|notice| notice.draft.kind == Kind::Kept));
    assert_eq!((caught.gap, caught.position, caught.live.len()), (None, Some(newest), 0));
    let caught = node.catch_up_on(&room("other"), Since::Position(&start(&other))).await;
    assert!(caught.finals.is_empty());
    let store = &node.link.store;
    assert_eq!((store.keeps(&kept()), store.keeps(&room("other"))), (true, false));
}

pub(crate) async fn what_goes_to_a_kept_room_is_heard_as_ever<S: Subject>() {
    let (bus, mut node) = S::one().await;
    let backend = bus.link_as("backend").await;
    node.enter(&kept()).await;
    let (one, nodes) = backend.accepted_by(plain(kept(), "one")).await;
    let two = backend.accepted(plain(kept(), "two")).await;
    assert_eq!((nodes, one.position.seq, two.position.seq), (1, 1, 2));
    assert_eq!(node.hear_texts(2).await, ["one", "two"]);
}

pub(crate) async fn a_volatile_notice_is_not_kept<S: Subject>() {
    let (_bus, node) = S::one().await;
    let first = node.accepted(plain(kept(), "one")).await.position;
    let volatile = Draft { kind: Kind::Volatile, ..plain(kept(), "volatile") };
    let newest = node.accepted(volatile).await.position;
    let caught = node.catch_up_on(&kept(), Since::Position(&start(&first))).await;
    assert_eq!(texts(&caught.finals), ["one"]);
    assert_eq!((caught.gap, caught.position), (None, Some(newest)));
}

pub(crate) async fn a_room_keeps_so_many_and_a_cursor_before_them_sees_a_gap<S: Subject>() {
    let (_bus, node) = S::one_with(Config { finals_keep: 2, ..S::config() }).await;
    let first = node.accepted(plain(kept(), "1")).await;
    for text in ["2", "3", "4"] {
        node.accepted(plain(kept(), text)).await;
    }
    let caught = node.catch_up_on(&kept(), Since::Position(&first.position)).await;
    assert_eq!(texts(&caught.finals), ["3", "4"]);
    let gap = caught.gap.expect("2 is missing");
    assert_eq!((gap.since, gap.oldest), (first.clone(), Some(caught.finals[0].id())));
    let second = Position { seq: 2, ..first.position };
    assert_eq!(node.catch_up_on(&kept(), Since::Position(&second)).await.gap, None);
}

pub(crate) async fn what_a_room_was_told_too_long_ago_leaves_a_gap<S: Subject>() {
    let half = S::config().finals_age / 2;
    let (bus, node) = S::one().await;
    let seen = start(&node.accepted(plain(kept(), "old")).await.position);
    bus.pass(half).await;
    node.accepted(plain(kept(), "young")).await;
    bus.pass(half).await;
    let caught = node.catch_up_on(&kept(), Since::Position(&seen)).await;
    assert_eq!(texts(&caught.finals), ["young"]);
    assert!(caught.gap.is_some());
}

pub(crate) async fn the_window_reaches_into_a_kept_room<S: Subject>() {
    let window = S::config().finals_age / 4;
    let (bus, node) = S::one().await;
    node.accepted(plain(kept(), "before")).await;
    bus.pass(window * 2).await;
    node.accepted(plain(kept(), "within")).await;
    let caught = node.catch_up_on(&kept(), Since::Window(window)).await;
    assert_eq!((texts(&caught.finals), caught.gap), (vec!["within".to_owned()], None));
}

pub(crate) async fn a_cursor_of_another_life_of_a_room_sees_a_gap<S: Subject>() {
    let (_bus, node) = S::one().await;
    node.accepted(plain(kept(), "one")).await;
    let epoch = Epoch::new("another").expect("letters are an epoch");
    let caught = node.catch_up_on(&kept(), Since::Position(&Position { epoch, seq: 1 })).await;
    assert_eq!(texts(&caught.finals), ["one"]);
    assert!(caught.gap.is_some());
}

fn narrowed(audience: Audience, narrowing: Narrowing) -> Draft {
    Draft { narrowing: Some(Arc::new(narrowing)), ..plain(audience, "narrowed") }
}

pub(crate) async fn a_notice_for_a_kept_room_and_others_is_refused_for_good<S: Subject>() {
    let (_bus, node) = S::one().await;
    let name = |name| Room::new(name).expect("a room");
    let except_rooms = Narrowing { except_rooms: vec![name("a")], ..Narrowing::default() };
    let rooms = Narrowing { rooms: vec![name("a"), name("kept:1")], ..Narrowing::default() };
    let everyone = Audience { scope: Scope::Everyone, ..kept() };
    for draft in [narrowed(kept(), except_rooms), narrowed(everyone.clone(), rooms)] {
        assert!(node.link.publisher.keeps(&draft));
        let refused = node.try_publish(draft).await.expect_err("it is refused");
        assert!(!refused.is_transient(), "{refused}");
        let PublishError::Narrowed { audience } = refused else { panic!("{refused}") };
        assert_eq!(audience, kept());
    }
    let elsewhere = Narrowing { rooms: vec![name("a"), name("b")], ..Narrowing::default() };
    node.accepted(narrowed(everyone, elsewhere)).await;
    let one_of_many = vec![
        plain(kept(), "one"),
        narrowed(kept(), Narrowing { except_rooms: vec![name("a")], ..Narrowing::default() }),
        plain(kept(), "two"),
    ];
    let outcomes = node.link.publisher.publish_all(one_of_many).await;
    let [Ok(Published::Accepted { id, .. }), Err(PublishError::Narrowed { .. }), Ok(_)] =
        &*outcomes
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!(after(&node, &start(&id.position)).await, ["one", "two"]);
}

pub(crate) async fn a_kept_room_may_be_narrowed_by_who_says_so_itself<S: Subject>() {
    let (_bus, node) = S::one().await;
    let except_sockets = vec![SocketId::new("speaker").expect("an id")];
    let narrowing = Narrowing { except_sockets, ..Narrowing::default() };
    let draft = Draft { kind: Kind::Kept, ..narrowed(kept(), narrowing.clone()) };
    let id = node.accepted(draft).await;
    let caught = node.catch_up_on(&kept(), Since::Position(&start(&id.position))).await;
    assert_eq!(caught.finals[0].draft.narrowing.as_deref(), Some(&narrowing));
}

pub(crate) async fn what_comes_together_is_kept_in_order<S: Subject>() {
    let (_bus, node) = S::one().await;
    let texts: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let drafts = texts.iter().map(|text| plain(kept(), text)).collect();
    let outcomes = node.link.publisher.publish_all(drafts).await;
    let Ok(Published::Accepted { id, .. }) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(after(&node, &start(&id.position)).await, texts);
}
