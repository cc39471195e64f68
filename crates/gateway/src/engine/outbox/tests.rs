//! What may wait, what replaces what, and in which order it leaves.

use std::{convert::Infallible, sync::Arc};

use notice::TaskKey;

use super::{Outbox, Pushed};
use crate::encoded::Encoded;

fn task(identity: &str) -> TaskKey {
    TaskKey { identity: identity.into(), run: None }
}

fn push(outbox: &mut Outbox, text: &str, progress_of: Option<&str>) -> Pushed {
    let task = progress_of.map(task);
    outbox.push(&Encoded::text_only(text), task.as_ref(), 1000)
}

fn drained(outbox: &mut Outbox) -> Vec<String> {
    let taken = outbox.take(usize::MAX, Encoded::len_bytes);
    taken.iter().map(|e| String::from_utf8(e.text().to_vec()).unwrap()).collect()
}

#[test]
fn newer_progress_replaces_older_of_its_task_and_leaves_in_the_order_of_numbers() {
    let mut outbox = Outbox::default();
    assert_eq!(push(&mut outbox, "a1", Some("a")), Pushed::Waiting);
    assert_eq!(push(&mut outbox, "b1", Some("b")), Pushed::Waiting);
    assert_eq!(push(&mut outbox, "end of c", None), Pushed::Waiting);
    assert_eq!(push(&mut outbox, "a2", Some("a")), Pushed::Conflated);
    assert_eq!(push(&mut outbox, "end of a", None), Pushed::Waiting);
    assert_eq!(drained(&mut outbox), ["b1", "end of c", "a2", "end of a"]);
    assert!(outbox.is_empty());
}

#[test]
fn what_is_half_written_is_never_replaced() {
    let mut outbox = Outbox::default();
    push(&mut outbox, "a1", Some("a"));
    outbox.head_written_if(1);
    assert_eq!(push(&mut outbox, "a2", Some("a")), Pushed::Waiting);
    let mut wire = Vec::new();
    while !outbox.is_empty() {
        outbox
            .write_with(Encoded::websocket, |slices| {
                let part = slices[0].len().min(3);
                wire.extend_from_slice(&slices[0][..part]);
                Ok::<_, Infallible>(part)
            })
            .unwrap();
    }
    let (a1, a2) = (Encoded::text_only("a1"), Encoded::text_only("a2"));
    let whole = [&a1.websocket()[1..], a2.websocket()];
    assert_eq!(wire, whole.concat());
}

#[test]
fn past_the_bound_nothing_is_added_and_what_waits_stays() {
    let mut outbox = Outbox::default();
    let big: Arc<Encoded> = Encoded::text_only(&"x".repeat(600));
    assert_eq!(outbox.push(&big, None, 1000), Pushed::Waiting);
    assert_eq!(outbox.push(&big, None, 1000), Pushed::Full);
    assert_eq!(outbox.len_bytes(), big.len_bytes());
    assert_eq!(outbox.push(&Encoded::text_only("small"), None, 1000), Pushed::Waiting);
}

#[test]
fn a_vectored_write_that_ends_between_two_frames_goes_on_with_the_second() {
    let mut outbox = Outbox::default();
    push(&mut outbox, "first", None);
    push(&mut outbox, "second", None);
    let first = Encoded::text_only("first").websocket().len();
    outbox.write_with(Encoded::websocket, |_| Ok::<_, Infallible>(first)).unwrap();
    assert_eq!(drained(&mut outbox), ["second"]);
}

#[test]
fn an_empty_outbox_keeps_no_allocation() {
    let mut outbox = Outbox::default();
    push(&mut outbox, "a", Some("a"));
    push(&mut outbox, "b", Some("a"));
    assert_eq!(drained(&mut outbox), ["b"]);
    assert!(outbox.queue.is_none());
    push(&mut outbox, "c", None);
    assert!(outbox.clear() > 0);
    assert!(outbox.queue.is_none());
}

#[test]
fn what_newer_progress_replaces_leaves_no_more_behind_than_waits() {
    let mut outbox = Outbox::default();
    push(&mut outbox, "stands in front", None);
    for round in 0..1_000 {
        push(&mut outbox, &format!("a{round}"), Some("a"));
        push(&mut outbox, &format!("b{round}"), Some("b"));
    }
    let places = outbox.queue.as_ref().unwrap().entries.len();
    assert!(places < 100, "three wait, in {places} places");
    push(&mut outbox, "end of b", None);
    assert_eq!(push(&mut outbox, "a1000", Some("a")), Pushed::Conflated);
    assert_eq!(drained(&mut outbox), ["stands in front", "b999", "end of b", "a1000"]);
}
