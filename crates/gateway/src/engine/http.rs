//! One connection while it speaks HTTP, and what it turns into after a 101.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::{
    agreement::agree,
    doors::{Inside, Newcomer},
    frames::Frames,
    meeting::meet,
    patient::Patient,
    routes::route,
    session::Session,
    slot::Slot,
    upgrade,
    websocket::{self, Opening},
    wire::Wire,
};
use crate::{
    events::Handshake,
    forwarding::Tunnel,
    plain::{self, Wanted},
    shared::Shared,
};

/// What a connection turns into once its 101 is out.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// A new Engine.IO session over WebSocket from the start.
    Engine(Box<Opening>),
    /// The WebSocket of a session that polls until now.
    Upgrade(Arc<Session>),
    /// A plain client.
    Plain(Box<Wanted>),
    /// The WebSocket of a session that another node holds.
    Tunnel(Tunnel),
}

/// Serves one connection from its first byte to its last. All that HTTP and the opening needed is gone,
/// with the box that held it, before a WebSocket is quiet. `said` was read of it already.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, newcomer: Newcomer, said: Bytes) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "set TCP_NODELAY");
    }
    let Newcomer { mut inside, handshaking, doubt } = newcomer;
    let wire = Box::pin(settle(&shared, stream, &mut inside)).await;
    if let Some(wire) = wire {
        serve_on(shared, wire, Newcomer { inside, handshaking, doubt }, said).await;
    }
}

/// Who comes, and how the two speak.
async fn settle(shared: &Shared, mut stream: TcpStream, inside: &mut Inside) -> Option<Wire> {
    meet(shared, &mut stream, inside).await?;
    agree(shared, stream, inside.address).await
}

/// The same on a wire that there is.
pub(crate) async fn serve_on(shared: Arc<Shared>, wire: Wire, newcomer: Newcomer, said: Bytes) {
    let Newcomer { inside, handshaking, doubt } = newcomer;
    let slot = Arc::new(Slot::new(handshaking, doubt.is_none()));
    let begun = Box::pin(begin(shared, wire, said, &inside, slot)).await;
    let Some((session, frames)) = begun else { return };
    websocket::drive(session, frames).await;
}

/// Everything up to a WebSocket that only waits; `None` where the connection does not become one.
async fn begin(
    shared: Arc<Shared>,
    wire: Wire,
    said: Bytes,
    inside: &Inside,
    slot: Arc<Slot>,
) -> Option<(Arc<Session>, Frames)> {
    let (purpose, wire, rest) = speak_http(&shared, wire, said, inside, &slot).await?;
    if let Purpose::Tunnel(tunnel) = purpose {
        // Else one who reads nothing would keep it for ever.
        let patient = Patient::new(wire, rest, slot, shared.config.limits.stall);
        tunnel.carry(&shared, patient).await;
        return None;
    }
    drop(slot);
    match purpose {
        Purpose::Engine(opening) => Some(websocket::open(shared, *opening, wire, rest).await),
        Purpose::Upgrade(session) => {
            let upgraded = upgrade::take_over(Arc::clone(&session), wire, rest).await;
            session.shared.events.upgraded(upgraded.is_some());
            upgraded
        }
        Purpose::Plain(wanted) => Some(plain::open(shared, wanted, wire, rest).await),
        Purpose::Tunnel(_) => None,
    }
}

/// Answers requests until the connection ends, or turns into something else.
async fn speak_http(
    shared: &Arc<Shared>,
    wire: Wire,
    said: Bytes,
    inside: &Inside,
    slot: &Arc<Slot>,
) -> Option<(Purpose, Wire, Bytes)> {
    let service = service_fn(|request| {
        slot.asked();
        let answer = route(Arc::clone(shared), Arc::clone(slot), inside.address, request);
        answer.inspect(|_| slot.answered())
    });
    let limits = &shared.config.limits;
    let patient = Patient::new(wire, said, Arc::clone(slot), limits.stall);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake)
        .max_buf_size(limits.header_bytes)
        .serve_connection(TokioIo::new(patient), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = shared.closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        shared.events.cut(unread(&error, slot), inside.address, &error);
    }
    let (purpose, on_upgrade) = slot.take()?;
    let upgraded = on_upgrade.await.ok()?.downcast::<TokioIo<Patient<Wire>>>().ok()?;
    Some((purpose, upgraded.io.into_inner().stream, upgraded.read_buf))
}

/// What kept a request from being read, if that is why its connection ended.
fn unread(error: &hyper::Error, slot: &Slot) -> Option<Handshake> {
    if error.is_parse_too_large() {
        Some(Handshake::HeadTooLarge)
    } else if error.is_parse() {
        Some(Handshake::Malformed)
    } else {
        // One that asks for nothing more is just quiet.
        (error.is_timeout() && slot.is_in_head()).then_some(Handshake::HeadLate)
    }
}
