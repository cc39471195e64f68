//! What a connection's task does while it waits for something else.

use std::future::pending;

use tokio::{io::AsyncReadExt as _, time::timeout};

use super::*;
use crate::rehearsal::{DEADLINE, gateway, websocket};

/// More than the system takes in for one connection.
const MUCH_BYTES: usize = 16 << 20;

#[tokio::test]
async fn a_client_that_reads_gets_what_waits_while_what_it_said_is_dealt_with() {
    let gateway = gateway(|limits| limits.queue_bytes = 2 * MUCH_BYTES);
    let (session, mut client) = websocket(gateway.shared()).await;
    let part = Encoded::text_only(&"x".repeat(1 << 20));
    while session.queued_bytes() < MUCH_BYTES {
        session.send(&part).expect("it is there");
    }
    let mut read = vec![0; 1 << 20];
    let empty = async {
        while session.queued_bytes() > 0 {
            assert!(client.read(&mut read).await.unwrap() > 0, "it is there");
        }
    };
    let mut nothing = pin!(pending::<()>());
    let dealing = beside_writing(&session, nothing.as_mut());
    tokio::select! {
        emptied = timeout(DEADLINE, empty) => emptied.expect("it is written on"),
        () = dealing => {}
    }
}
