//! What a quiet socket is made of, held to bounds: who adds a field sees here what it costs a million of them.
//!
//! The allocator rounds each piece up (128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768 …), so the bound of a
//! piece is the size that is paid for, not the one that is used.

use std::{mem::size_of, sync::Arc};

use notice::{Audience, SocketId};

use super::{
    berth::Berth, http::serve, line::Line, outbox::Outbox, session::Session, sid::SessionId,
    wire::Wire,
};
use crate::seat::Seat;

/// The bytes of the future that a function of four arguments gives.
fn future<A, B, C, D, F>(_: fn(A, B, C, D) -> F) -> usize {
    size_of::<F>()
}

fn holds(what: &str, bytes: usize, bytes_max: usize) {
    assert!(bytes <= bytes_max, "{what} has {bytes} bytes, and may have {bytes_max}");
}

#[test]
fn a_connection_s_task_holds_no_more_than_its_session_needs() {
    // All that HTTP, TLS and the opening need is boxed, and gone before a WebSocket is quiet.
    holds("the connection's future", future(serve), 768);
}

#[test]
fn a_session_and_its_seat_are_small() {
    // With two counts of references each.
    holds("a session", size_of::<Session>() + 16, 320);
    holds("a seat", size_of::<Seat>() + 16, 256);
    // Within the session: what one lock guards, and the wire, whose TLS is boxed.
    holds("a line", size_of::<Line>(), 40);
    holds("a wire", size_of::<Wire>(), 40);
    // Nearly always nothing waits, and then it has no queue.
    holds("an outbox", size_of::<Outbox>(), 8);
}

#[test]
fn what_finds_a_socket_costs_a_few_words_an_entry() {
    // A hash table has up to twice as many places as entries, and a byte for each.
    holds("a session by its id", size_of::<(SessionId, (Arc<Session>, Berth))>(), 56);
    holds("a seat by its id", size_of::<(SocketId, Arc<Seat>)>(), 24);
    // Names are shared texts, so that an audience is a few references however long they are.
    holds("an audience", size_of::<Audience>(), 40);
    holds("a member of an audience", size_of::<Arc<Seat>>(), 8);
}
