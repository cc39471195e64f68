//! A WebSocket connection's own task: it reads, and writes what others could not write at once.
//!
//! Between two reads it holds no buffer. It is the only one that ever waits for the wire.

use std::{
    future::poll_fn,
    io,
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use engineioxide_core::{Packet, ProtocolVersion};

use super::{
    berth::Berth,
    dialect::Dialect,
    frames::{FrameError, Frames, Inbound},
    handshake::{enter, open_packet},
    line::Transport,
    session::Session,
    wire::Wire,
};
use crate::{
    departure::Departure,
    encoded::Encoded,
    events::PacketType,
    plain,
    shared::Shared,
    socket::{self, Brought, Message},
};

/// How much is read at once, on the stack.
const READ_BYTES: usize = 8 * 1024;

/// What a new session over WebSocket is.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(super) dialect: Dialect,
    pub(super) brought: Option<Box<Brought>>,
    pub(super) address: IpAddr,
    pub(super) berth: Berth,
}

/// What moves the connection's task.
enum Wake {
    Ended(Departure),
    Writable,
    Readable,
}

/// What one read brought: a client may say something and close right behind it.
#[derive(Default)]
struct Heard {
    messages: Vec<Message>,
    ended: Option<Departure>,
}

/// Opens a session on `wire`. `rest` is what came right behind the handshake.
pub(super) async fn open(
    shared: Arc<Shared>,
    opening: Opening,
    wire: Wire,
    rest: Bytes,
) -> (Arc<Session>, Frames) {
    let Opening { dialect, brought, address, berth } = opening;
    let id = shared.ids.session();
    let session = Session::new(&shared, id, dialect, Transport::WebSocket, brought, address);
    session.set_wire(wire);
    drop(shared);
    enter(&session, berth);
    session.send(&open_packet(&session));
    if let Err(departure) = socket::opened(&session).await {
        session.leave(departure);
    }
    hear_rest(session, &rest).await
}

/// Takes what came right behind the handshake, and gives what [`drive`] goes on with.
pub(crate) async fn hear_rest(session: Arc<Session>, rest: &[u8]) -> (Arc<Session>, Frames) {
    let mut frames = Frames::default();
    let heard = take_apart(&session, &mut frames, rest);
    take_messages(&session, heard).await;
    (session, frames)
}

/// Takes what came right behind an upgrade.
pub(super) async fn take_behind(session: &Arc<Session>, behind: Vec<Inbound>) {
    take_messages(session, hear(session, behind)).await;
}

/// Serves `session` on its wire to its end.
pub(crate) async fn drive(session: Arc<Session>, mut frames: Frames) {
    loop {
        match poll_fn(|cx| wake(&session, cx)).await {
            Wake::Ended(departure) => return say_goodbye(&session, departure),
            Wake::Writable => {
                if session.flush().is_err() {
                    session.close(Departure::TransportError);
                }
            }
            Wake::Readable => {
                let messages = read(&session, &mut frames);
                take_messages(&session, messages).await;
            }
        }
    }
}

fn wake(session: &Session, cx: &mut Context<'_>) -> Poll<Wake> {
    session.waker.register(cx.waker());
    let (waits, departure, closed) = {
        let line = session.line.lock();
        (line.waits(session.wire()), line.departure, line.closed)
    };
    let wire = match (session.wire(), departure) {
        (Some(wire), None) => wire,
        (Some(wire), Some(_)) if waits && !closed => wire,
        (_, departure) => {
            return Poll::Ready(Wake::Ended(departure.unwrap_or(Departure::TransportError)));
        }
    };
    if waits && wire.poll_write_ready(cx).is_ready() {
        return Poll::Ready(Wake::Writable);
    }
    wire.poll_read_ready(cx).map(|_| Wake::Readable)
}

/// Reads what is there and takes the frames apart. Not one byte is kept unless a frame is cut.
fn read(session: &Arc<Session>, frames: &mut Frames) -> Heard {
    let mut buffer = [0; READ_BYTES];
    match session.wire().map(|wire| wire.try_read(&mut buffer)) {
        Some(Ok(read @ 1..)) if session.may_send(read) => {
            take_apart(session, frames, &buffer[..read])
        }
        Some(Ok(1..)) => Heard { ended: Some(Departure::Bytes), ..Heard::default() },
        Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Heard::default(),
        _ => Heard { ended: Some(Departure::TransportError), ..Heard::default() },
    }
}

/// Heartbeats and control frames end here; messages go on, in a future that lives no longer than they.
async fn take_messages(session: &Arc<Session>, Heard { messages, ended }: Heard) {
    if !messages.is_empty()
        && let Err(departure) = Box::pin(take_all(session, messages)).await
    {
        session.close(departure);
    }
    match ended {
        // It speaks the protocol, and can be told.
        Some(departure @ (Departure::Events | Departure::Bytes)) => session.leave(departure),
        Some(departure) => session.close(departure),
        None => {}
    }
}

/// Does what may take its time, as the store does, and writes meanwhile what waits: nobody else does it, and a client
/// that reads would count as one that stands still.
async fn beside_writing<T>(
    session: &Arc<Session>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> T {
    poll_fn(|cx| {
        let done = work.as_mut().poll(cx);
        if done.is_pending() {
            write_on(session, cx);
        }
        done
    })
    .await
}

fn write_on(session: &Arc<Session>, cx: &mut Context<'_>) {
    session.waker.register(cx.waker());
    let Some(wire) = session.wire() else { return };
    while session.has_to_write() && wire.poll_write_ready(cx).is_ready() {
        if session.flush().is_err() {
            return session.close(Departure::TransportError);
        }
    }
}

async fn take_all(session: &Arc<Session>, messages: Vec<Message>) -> Result<(), Departure> {
    let _dealing = session.dealing();
    let taking = async {
        for message in messages {
            match session.dialect {
                Dialect::PlainWebSocket => plain::take_in(session, message).await?,
                _ => socket::take_in(session, message).await?,
            }
        }
        Ok(())
    };
    beside_writing(session, pin!(taking)).await
}

fn take_apart(session: &Arc<Session>, frames: &mut Frames, bytes: &[u8]) -> Heard {
    let bytes_max = session.shared.config.limits.payload_bytes;
    session.shared.events.received_bytes(bytes.len());
    let ended = match frames.feed(bytes, bytes_max) {
        Ok(inbound) => return hear(session, inbound),
        Err(FrameError::Protocol) => Departure::BadPacket,
        Err(FrameError::NotText) => Departure::NotText,
        Err(FrameError::TooLarge) => Departure::TooLarge,
    };
    Heard { ended: Some(ended), ..Heard::default() }
}

fn hear(session: &Arc<Session>, all: Vec<Inbound>) -> Heard {
    let mut heard = Heard::default();
    for inbound in all {
        match receive(session, inbound) {
            Ok(message) => heard.messages.extend(message),
            Err(departure) => {
                heard.ended = Some(departure);
                break;
            }
        }
    }
    heard
}

fn receive(session: &Arc<Session>, inbound: Inbound) -> Result<Option<Message>, Departure> {
    if matches!(inbound, Inbound::Ping(_) | Inbound::Pong) {
        if !session.is_bearable() {
            return Err(Departure::Events);
        }
        // Of an Engine.IO client only a packet is a sign of life: else it could hold half a message for ever,
        // with such frames between its parts.
        if !session.dialect.is_engine() {
            session.heard();
        }
    }
    match inbound {
        Inbound::Ping(payload) => {
            session.shared.events.received(PacketType::Ping);
            session.send(&Encoded::websocket_pong(&payload));
            Ok(None)
        }
        Inbound::Pong => {
            session.shared.events.received(PacketType::Pong);
            Ok(None)
        }
        Inbound::Close => {
            session.shared.events.received(PacketType::Close);
            Err(Departure::Client)
        }
        Inbound::Text(text) if session.dialect.is_engine() => {
            session.receive(parse(session.dialect, text)?)
        }
        Inbound::Binary(bytes) if session.dialect.is_engine() => {
            session.receive(binary(session.dialect, bytes)?)
        }
        Inbound::Text(text) => session.receive(Packet::Message(text.into())),
        Inbound::Binary(_) => Err(Departure::BadPacket),
    }
}

fn parse(dialect: Dialect, text: String) -> Result<Packet, Departure> {
    let version = match dialect {
        Dialect::Engine3 { .. } => ProtocolVersion::V3,
        _ => ProtocolVersion::V4,
    };
    Packet::parse(version, text).map_err(|_| Departure::BadPacket)
}

/// A binary frame: data as it is on Engine.IO 4, behind the packet's type on 3.
fn binary(dialect: Dialect, bytes: Bytes) -> Result<Packet, Departure> {
    match (dialect, bytes.first()) {
        (Dialect::Engine3 { .. }, Some(4)) => Ok(Packet::BinaryV3(bytes.slice(1..))),
        (Dialect::Engine3 { .. }, _) => Err(Departure::BadPacket),
        _ => Ok(Packet::Binary(bytes)),
    }
}

/// The close frame, if the wire takes it, and the end of the session if it was only leaving.
fn say_goodbye(session: &Arc<Session>, departure: Departure) {
    session.close(departure);
    let frame = Encoded::websocket_close(departure.close_code());
    let Some(wire) = session.wire() else { return };
    let said = wire.try_write(frame.websocket()).and_then(|_| wire.say_end());
    if let Err(error) = said {
        tracing::trace!(%error, "write a close frame");
    }
}

#[cfg(test)]
mod tests;
