//! What comes right behind an upgrade, and polls during one.

use std::{pin::pin, task::Poll};

use futures_util::poll as look;
use tokio::{io::AsyncReadExt as _, time::timeout};

use super::*;
use crate::{
    engine::{dialect::Dialect, payload::Body, polling::poll, request::Unfit, websocket::drive},
    rehearsal::{DEADLINE, gateway, room, seat, session, wire},
};

/// As a client says it, masked with noughts.
fn frame(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).unwrap();
    [&[0x81, 0x80 | len, 0, 0, 0, 0], text.as_bytes()].concat()
}

#[tokio::test]
async fn who_says_too_much_right_behind_its_upgrade_is_told_why_it_must_leave() {
    let gateway = gateway(|limits| limits.packets_per_second = 1);
    let polls = session(gateway.shared(), Dialect::Engine4, Transport::Polling);
    seat(&polls, &room("here"));
    let (wire, mut client) = wire().await;
    let much = vec!["42/notice,[\"tasks\"]"; 9];
    let said: Vec<_> = ["2probe", "5"].into_iter().chain(much).flat_map(frame).collect();
    let (session, frames) = take_over(polls, wire, said.into()).await.expect("it goes over");
    drive(session, frames).await;
    let mut heard = Vec::new();
    timeout(DEADLINE, client.read_to_end(&mut heard)).await.expect("in time").unwrap();
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.contains("departing") && heard.contains("\"events\""), "{heard}");
}
