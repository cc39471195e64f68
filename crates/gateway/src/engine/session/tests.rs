//! What a session is sent, and how it takes its leave.

use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};

use super::*;
use crate::{
    encoded::Encoded,
    engine::{frames::Frames, websocket::drive},
    rehearsal::{self, DEADLINE, gateway, websocket},
};

/// So many frames, each of its own.
fn frames(len: usize, bytes: usize) -> Vec<Arc<Encoded>> {
    (0..len).map(|number| Encoded::text_only(&format!("{number:03}").repeat(bytes / 3))).collect()
}

/// Reads all of them, in their order, while the session's task does its work.
async fn reads_all(session: &Arc<Session>, mut client: TcpStream, all: &[Arc<Encoded>]) {
    let sent: Vec<u8> = all.iter().flat_map(|encoded| encoded.websocket().to_vec()).collect();
    let mut read = vec![0; sent.len()];
    let driven = drive(Arc::clone(session), Frames::default());
    let read_all = tokio::select! {
        read_all = timeout(DEADLINE, client.read_exact(&mut read)) => read_all,
        () = driven => panic!("it left as {:?}", session.departure()),
    };
    read_all.expect("all of it comes in time").unwrap();
    assert!(read == sent, "in order");
}

#[tokio::test]
async fn who_reads_takes_a_volley_that_is_larger_than_its_queue() {
    let gateway = gateway(|limits| limits.queue_bytes = 64 * 1024);
    let (session, client) = websocket(gateway.shared()).await;
    let all = frames(64, 2_000);
    let sent = session.hand_all(all.iter().map(|encoded| (encoded, None)));
    assert!(sent.is_some_and(|sent| sent.bytes > 0), "{:?}", session.departure());
    reads_all(&session, client, &all).await;
}

#[tokio::test]
async fn what_of_a_volley_is_not_taken_at_once_waits_and_comes_in_order() {
    let gateway = gateway(|limits| limits.queue_bytes = 32 << 20);
    let (session, client) = websocket(gateway.shared()).await;
    // More than the system takes in for one connection.
    let all = frames(64, 400_000);
    let sent = session.hand_all(all.iter().map(|encoded| (encoded, None))).unwrap();
    assert!(sent.bytes > 0 && session.queued_bytes() > 0);
    reads_all(&session, client, &all).await;
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
