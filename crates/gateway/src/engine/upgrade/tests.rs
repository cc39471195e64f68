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

#[tokio::test]
async fn polls_do_not_spin_while_an_upgrade_hangs_and_are_answered_all_the_same() {
    let gateway = gateway(|_| {});
    let polls = session(gateway.shared(), Dialect::Engine4, Transport::Polling);
    let mut parked = Box::pin(poll(&polls, None));
    assert!(look!(parked.as_mut()).is_pending());
    let _upgrading = polls.begin_upgrade();
    let noop =
        |poll: Poll<Result<Body, Unfit>>| matches!(poll, Poll::Ready(Ok((_, body))) if body == "6");
    assert!(noop(look!(parked.as_mut())), "it ends, so that the client can change over");
    for _ in 1..NUDGES {
        assert!(noop(look!(pin!(poll(&polls, None)))), "the client may not have heard yet");
    }
    let mut late = Box::pin(poll(&polls, None));
    assert!(look!(late.as_mut()).is_pending());
    let answer = timeout(DEADLINE, late).await.expect("it ends");
    assert!(noop(Poll::Ready(answer)));
    let mut last = Box::pin(poll(&polls, None));
    assert!(look!(last.as_mut()).is_pending());
    polls.send(&Encoded::text_only("2")).unwrap();
    assert!(matches!(look!(last.as_mut()), Poll::Ready(Ok((_, body))) if body == "2"));
}
