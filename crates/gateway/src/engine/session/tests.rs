//! What a session is sent, and how it takes its leave.

use tokio::{io::AsyncReadExt as _, time::timeout};

use super::*;
use crate::{
    encoded::Encoded,
    engine::{frames::Frames, websocket::drive},
    rehearsal::{self, DEADLINE, gateway, websocket},
};

#[tokio::test]
async fn who_reads_takes_a_volley_that_is_larger_than_its_queue() {
    let gateway = gateway(|limits| limits.queue_bytes = 64 * 1024);
    let (session, mut client) = websocket(gateway.shared()).await;
    let all: Vec<_> = (0..64).map(|_| Encoded::text_only(&"x".repeat(2_000))).collect();
    let bytes: usize = all.iter().map(|encoded| encoded.len_bytes()).sum();
    let sent = session.hand_all(all.iter().map(|encoded| (encoded, None)));
    assert!(sent.is_some_and(|sent| sent.bytes > 0), "{:?}", session.departure());
    let mut read = vec![0; bytes];
    let driven = drive(Arc::clone(&session), Frames::default());
    let read_all = tokio::select! {
        read_all = timeout(DEADLINE, client.read_exact(&mut read)) => read_all,
        () = driven => panic!("it left as {:?}", session.departure()),
    };
    read_all.expect("all of it comes in time").unwrap();
    let frames: Vec<u8> = all.iter().flat_map(|encoded| encoded.websocket().to_vec()).collect();
    assert!(read == frames, "in order");
}

#[tokio::test]
async fn an_older_beat_does_not_cut_a_farewell_short() {
    let gateway = gateway(|_| {});
    let polls = rehearsal::session(gateway.shared(), Dialect::Engine4, Transport::Polling);
    polls.send(&Encoded::text_only("waits")).unwrap();
    polls.leave(Departure::Kicked);
    // Of what waited before it left.
    assert_eq!(polls.stalled_for(), None);
    assert!(!polls.line.lock().closed, "it has its time to hear of it");
    polls.gone();
    assert!(polls.line.lock().closed, "which has an end");
}
