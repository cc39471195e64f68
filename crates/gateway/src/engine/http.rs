//! One connection while it speaks HTTP, and what it turns into after a 101.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::TcpStream;

use super::{
    accept::Inside,
    agreement::agree,
    dialect::Dialect,
    frames::Frames,
    patient::Patient,
    routes::route,
    session::Session,
    upgrade,
    websocket::{self, Opening},
    wire::Wire,
};
use crate::{
    forwarding::Tunnel,
    plain::{self, Wanted},
    shared::Shared,
    socket::Brought,
};

/// The most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What a connection turns into once its 101 is out.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// A new Engine.IO session over WebSocket from the start.
    Engine { dialect: Dialect, brought: Option<Box<Brought>> },
    /// The WebSocket of a session that polls until now.
    Upgrade(Arc<Session>),
    /// A plain client.
    Plain(Box<Wanted>),
    /// The WebSocket of a session that another node holds.
    Tunnel(Tunnel),
}

/// Where the request that asked for the 101 leaves what is to come after it.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<Option<(Purpose, OnUpgrade)>>);

impl Slot {
    pub(crate) fn put(&self, purpose: Purpose, on_upgrade: OnUpgrade) {
        *self.0.lock() = Some((purpose, on_upgrade));
    }
}

/// Serves one connection from its first byte to its last. All that HTTP and the opening needed is gone,
/// with the box that held it, before a WebSocket is quiet.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, inside: Inside) {
    let Some(wire) = Box::pin(agree(&shared, stream, inside.address)).await else { return };
    serve_on(shared, wire, inside).await;
}

/// The same of one that is agreed on.
pub(crate) async fn serve_on(shared: Arc<Shared>, wire: Wire, inside: Inside) {
    let Some((session, frames)) = Box::pin(begin(shared, wire, &inside)).await else { return };
    websocket::drive(session, frames).await;
}

/// Everything up to a WebSocket that only waits; `None` where the connection does not become one.
async fn begin(shared: Arc<Shared>, wire: Wire, inside: &Inside) -> Option<(Arc<Session>, Frames)> {
    let (purpose, wire, rest) = speak_http(&shared, wire, inside).await?;
    match purpose {
        Purpose::Engine { dialect, brought } => {
            let opening = Opening { dialect, brought, address: inside.address };
            Some(websocket::open(shared, opening, wire, rest).await)
        }
        Purpose::Upgrade(session) => upgrade::take_over(session, wire, rest).await,
        Purpose::Plain(wanted) => Some(plain::open(shared, wanted, wire, rest).await),
        Purpose::Tunnel(tunnel) => {
            tunnel.carry(&shared, wire, rest).await;
            None
        }
    }
}

/// Answers requests until the connection ends, or turns into something else.
async fn speak_http(
    shared: &Arc<Shared>,
    wire: Wire,
    inside: &Inside,
) -> Option<(Purpose, Wire, Bytes)> {
    let slot = Arc::new(Slot::default());
    let service = service_fn(|request| {
        let (shared, slot, address) = (Arc::clone(shared), Arc::clone(&slot), inside.address);
        route(shared, slot, address, request)
    });
    let patient = Patient::new(wire, shared.config.limits.stall);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.config.limits.handshake)
        .max_buf_size(HEAD_BYTES_MAX)
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
        tracing::debug!(client.addr = %inside.address, %error, "a connection ended");
    }
    let (purpose, on_upgrade) = slot.0.lock().take()?;
    let upgraded = on_upgrade.await.ok()?.downcast::<TokioIo<Patient<Wire>>>().ok()?;
    Some((purpose, upgraded.io.into_inner().stream, upgraded.read_buf))
}
