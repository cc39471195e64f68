//! The polling transport: a GET that waits for something to send, a POST that brings something.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use engineioxide_core::Packet;
use http::HeaderValue;
use tokio::time::timeout;

use super::{
    line::Transport,
    payload::{self, Body},
    polls::Stamp,
    request::Unfit,
    session::Session,
};
use crate::{
    departure::Departure,
    encoded::Encoded,
    events::PacketType,
    socket::{self, Message},
};

/// How long a poll takes at most during an upgrade, as of Node's Engine.IO.
const NOOP_AFTER: Duration = Duration::from_millis(100);

/// A poll on its way. Given up before it has its answer, it ends the session: what was pushed into that
/// answer would be lost (the official suite asks for this too).
struct Parked<'a> {
    session: &'a Arc<Session>,
    answered: bool,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.session.line.lock().polled = false;
        if !self.answered {
            self.session.close(Departure::Poll);
        }
    }
}

/// Waits until there is something for the client, and gives it; to one that comes again, what it was given.
pub(super) async fn poll(session: &Arc<Session>, stamp: Option<Stamp>) -> Result<Body, Unfit> {
    let (already, is_upgrading) = {
        let mut line = session.line.lock();
        if !matches!(line.transport, Transport::Polling | Transport::Upgrading) {
            return Err(Unfit::OutOfPlace);
        }
        if let Some(body) = line.polls.as_mut().and_then(|polls| polls.again(stamp)) {
            session.shared.events.repeated();
            session.shared.events.sent_bytes(body.1.len());
            return Ok(body);
        }
        let is_upgrading = line.transport == Transport::Upgrading;
        (std::mem::replace(&mut line.polled, true), is_upgrading)
    };
    if already {
        session.close(Departure::Poll);
        return Err(Unfit::OutOfPlace);
    }
    let mut parked = Parked { session, answered: false };
    let something = poll_fn(|cx| ready(session, cx));
    let body = if is_upgrading {
        let in_time = timeout(NOOP_AFTER, something).await;
        in_time.unwrap_or_else(|_elapsed| payload::encode(session.dialect, &[noop(session)]))
    } else {
        something.await
    };
    parked.answered = true;
    session.shared.events.sent_bytes(body.1.len());
    if let Some(polls) = &mut session.line.lock().polls {
        polls.answered(stamp, &body);
    }
    Ok(body)
}

fn ready(session: &Arc<Session>, cx: &mut Context<'_>) -> Poll<Body> {
    let (mut packets, departure, is_nudged) = {
        let mut line = session.line.lock();
        if line.transport == Transport::WebSocket {
            // The WebSocket's task is the one to be woken, and all that waits is its own.
            return Poll::Ready(payload::encode(session.dialect, &[noop(session)]));
        }
        session.waker.register(cx.waker());
        let bytes_max = session.shared.config.limits.payload_bytes;
        let before = line.outbox.len_bytes();
        let packets = line.take(bytes_max, payload::size, session.shared.now_ms());
        session.shared.events.queued(-taken(before, line.outbox.len_bytes()));
        let departure = line.departure.filter(|_| line.outbox.is_empty());
        let is_nudged = packets.is_empty() && line.is_nudged();
        (packets, departure, is_nudged)
    };
    match departure {
        // The client has closed the session itself: its poll just ends.
        Some(Departure::Client) if packets.is_empty() => {
            packets.push(noop(session));
            session.close(Departure::Client);
        }
        Some(departure) if packets.is_empty() => {
            let close = Encoded::text_only("1");
            session.shared.events.sent(&close, 0);
            packets.push(close);
            session.close(departure);
        }
        // The poll ends, so that the client can change over.
        None if is_nudged => packets.push(noop(session)),
        None if packets.is_empty() => return Poll::Pending,
        // A close comes with the next poll: clients 4.x drop what stands before it in one body.
        Some(_) | None => {}
    }
    Poll::Ready(payload::encode(session.dialect, &packets))
}

/// What ends a poll that has nothing to say.
fn noop(session: &Session) -> Arc<Encoded> {
    let noop = Encoded::text_only("6");
    session.shared.events.sent(&noop, 0);
    noop
}

fn taken(before: usize, after: usize) -> i64 {
    i64::try_from(before - after).unwrap_or(i64::MAX)
}

/// Takes what a client has posted, packet by packet.
pub(super) async fn post(
    session: &Arc<Session>,
    content_type: Option<HeaderValue>,
    body: Bytes,
) -> Result<(), Unfit> {
    let packets = payload::decode(session.dialect, content_type.as_ref(), body);
    let Ok(packets) = packets else {
        session.close(Departure::BadPacket);
        return Err(Unfit::OutOfPlace);
    };
    let _dealing = session.dealing();
    for packet in packets {
        match take_packet(session, packet).await {
            Ok(()) => {}
            Err(departure @ (Departure::Client | Departure::Events)) => {
                // Its poll, on the way perhaps, is still answered.
                session.leave(departure);
                return Ok(());
            }
            Err(departure) => {
                session.close(departure);
                return Err(Unfit::OutOfPlace);
            }
        }
    }
    Ok(())
}

async fn take_packet(session: &Arc<Session>, packet: Packet) -> Result<(), Departure> {
    match session.receive(packet)? {
        Some(message) => socket::take_in(session, message).await,
        None => Ok(()),
    }
}

impl Session {
    /// Takes one Engine.IO packet: heartbeats are dealt with here, a message is given back.
    pub(super) fn receive(self: &Arc<Self>, packet: Packet) -> Result<Option<Message>, Departure> {
        use super::dialect::Dialect::{Engine3, Engine4};
        if self.departure().is_some() {
            return Ok(None);
        }
        // Attachments have no price of their own: each belongs to an event, which may have only so many.
        let is_binary = matches!(packet, Packet::Binary(_) | Packet::BinaryV3(_));
        if !is_binary && !self.is_bearable() {
            return Err(Departure::Events);
        }
        self.heard();
        self.shared.events.received(packet_type(&packet));
        match (self.dialect, packet) {
            (_, Packet::Message(text)) => Ok(Some(Message::Text(text))),
            (_, Packet::Binary(bytes) | Packet::BinaryV3(bytes)) => {
                Ok(Some(Message::Binary(bytes)))
            }
            // On Engine.IO 3 the client asks, on 4 the server does.
            (Engine3 { .. }, Packet::Ping) => {
                self.send(&Encoded::text_only("3"));
                Ok(None)
            }
            (Engine4, Packet::Pong) | (_, Packet::Noop) => Ok(None),
            (_, Packet::Close) => Err(Departure::Client),
            _ => Err(Departure::BadPacket),
        }
    }
}

fn packet_type(packet: &Packet) -> PacketType {
    match packet {
        Packet::Open(_) => PacketType::Open,
        Packet::Close => PacketType::Close,
        Packet::Ping | Packet::PingUpgrade => PacketType::Ping,
        Packet::Pong | Packet::PongUpgrade => PacketType::Pong,
        Packet::Message(_) => PacketType::Message,
        Packet::Binary(_) | Packet::BinaryV3(_) => PacketType::Binary,
        Packet::Upgrade | Packet::Noop => PacketType::Noop,
    }
}
