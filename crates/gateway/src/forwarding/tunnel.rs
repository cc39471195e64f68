//! The way from one node to the doors of another: it begins as a request to the internal port, and turns into
//! a connection as a client's.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::Empty;
use hyper::{
    client::conn::http1,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::copy_bidirectional_with_sizes,
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{sleep, timeout},
};
use tokio_util::{io::InspectReader, sync::CancellationToken};

use super::{
    Neighbour,
    passing::{PassingError, beside},
};
use crate::{
    engine::{Patient, Wire, serve_on},
    shared::Shared,
};

/// Where a tunnel begins on the internal port.
const PATH: &str = "/tunnel";
/// What it turns into.
const PROTOCOL: HeaderValue = HeaderValue::from_static("carillon-sockets");

/// How long a living node takes at most to let a neighbour in.
const OPEN_WITHIN: Duration = Duration::from_secs(3);

/// After so long without a word the system asks the neighbour's whether that still has its end, and how often it
/// asks then.
const QUIET: Duration = Duration::from_secs(15);
const ASKED_EVERY: Duration = Duration::from_secs(5);

/// Whoever has not confirmed for so long what was said, or asked, is gone without a word.
const UNCONFIRMED: Duration = Duration::from_secs(30);

/// What is held for each direction of a WebSocket that goes on to another node.
const COPY_BYTES: usize = 4 * 1024;

/// What a client has sent once it has gone over to this WebSocket: `2probe` and `5`, each in a masked frame of
/// its own.
const CHANGE_OVER_BYTES: usize = (6 + "2probe".len()) + (6 + "5".len());

/// The other end of a client's WebSocket.
#[derive(Debug)]
pub(crate) struct Tunnel {
    far: Upgraded,
    _place: OwnedSemaphorePermit,
}

impl Tunnel {
    pub(super) fn new(far: Upgraded, place: OwnedSemaphorePermit) -> Self {
        Self { far, _place: place }
    }

    /// Carries what both sides say until one of them ends, or this node goes and the client has gone over.
    ///
    /// Stock clients do not see a cut in the midst of an upgrade: they have paused their polling by then, and
    /// stay so until their ping timeout.
    pub(crate) async fn carry(self, shared: &Shared, near: Patient<Wire>) {
        let limits = &shared.config.limits;
        let _counted = shared.events.tunnel();
        let listed = shared.forwarding.carried.list();
        let (gone_over, ended) = (CancellationToken::new(), CancellationToken::new());
        let end_if = |is_end: bool| {
            if is_end {
                ended.cancel();
            }
        };
        let mut left = CHANGE_OVER_BYTES;
        let mut near = InspectReader::new(near, |said: &[u8]| {
            end_if(said.is_empty());
            let was_left = left;
            left = left.saturating_sub(said.len());
            if was_left > 0 && left == 0 {
                gone_over.cancel();
            }
        });
        let mut far =
            InspectReader::new(TokioIo::new(self.far), |said: &[u8]| end_if(said.is_empty()));
        let may_go = async {
            listed.told_to_go().await;
            // An upgrade that takes longer does not come about, on whichever node.
            drop(timeout(limits.handshake, gone_over.cancelled()).await);
        };
        let half_is_over = async {
            ended.cancelled().await;
            // What is on its way to the other side still gets there; that need not say anything more.
            sleep(limits.stall).await;
        };
        let carried = copy_bidirectional_with_sizes(&mut near, &mut far, COPY_BYTES, COPY_BYTES);
        tokio::select! {
            biased;
            () = may_go => {}
            () = half_is_over => {}
            () = shared.closing.cancelled() => {}
            carried = carried => if let Err(error) = carried {
                tracing::debug!(%error, "a tunnel ended");
            }
        }
    }
}

/// Comes in at a neighbour's, as if from outside.
pub(super) async fn open(owner: &Neighbour) -> Result<Upgraded, PassingError> {
    let closed = |source| PassingError::Closed { address: owner.address.clone(), source };
    let opened = timeout(OPEN_WITHIN, knock(owner)).await;
    opened.unwrap_or_else(|_elapsed| Err(closed(io::ErrorKind::TimedOut.into())))
}

async fn knock(owner: &Neighbour) -> Result<Upgraded, PassingError> {
    let address = owner.address.clone();
    let closed = |source| PassingError::Closed { address: address.clone(), source };
    let stream = TcpStream::connect(&address).await.map_err(closed)?;
    stream.set_nodelay(true).map_err(closed)?;
    notice_its_end(&stream).map_err(closed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = std::pin::pin!(connection.with_upgrades().fuse());
    let request = http::Request::get(PATH)
        .header(header::HOST, &address)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, PROTOCOL)
        .header(header::AUTHORIZATION, format!("Ticket {}", owner.ticket.as_str()))
        .body(Empty::<Bytes>::new())
        .expect("a path and texts of base64 are a request");
    let mut answer = beside(&mut connection, sender.send_request(request)).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(PassingError::NotLetIn { address, status: answer.status() });
    }
    Ok(beside(&mut connection, hyper::upgrade::on(&mut answer)).await?)
}

/// A neighbour that lost its power says no farewell, and of a quiet WebSocket nothing is due to it.
fn notice_its_end(stream: &TcpStream) -> io::Result<()> {
    let asking = TcpKeepalive::new().with_time(QUIET).with_interval(ASKED_EVERY);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&asking)?;
    socket.set_tcp_user_timeout(Some(UNCONFIRMED))
}

/// The end of a tunnel on the internal port. It asks for no key of the API but for this node's ticket.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    Router::new().route(PATH, get(enter)).with_state(Arc::clone(shared))
}

async fn enter(State(shared): State<Arc<Shared>>, mut request: Request) -> Response {
    if !is_neighbour(&shared, request.headers()) {
        shared.events.intruder();
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let on_upgrade = hyper::upgrade::on(&mut request);
    let newcomer = match shared.doors.let_in() {
        Ok(newcomer) => newcomer,
        Err(full) => {
            shared.events.handshake(full);
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let here = Arc::clone(&shared);
    shared.tasks.spawn(async move {
        if let Some(stream) = stream_of(on_upgrade).await {
            serve_on(here, Wire::Plain(stream), newcomer, Bytes::new()).await;
        }
    });
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let upgrade = HeaderValue::from_static("upgrade");
    answer.headers_mut().insert(header::CONNECTION, upgrade);
    answer.headers_mut().insert(header::UPGRADE, PROTOCOL);
    answer
}

fn is_neighbour(shared: &Shared, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let shown = shown.and_then(|shown| shown.strip_prefix(b"Ticket "));
    headers.get(header::UPGRADE) == Some(&PROTOCOL)
        && shown.is_some_and(|shown| shared.forwarding.ticket.is(shown))
}

/// The connection under the request, once its answer is out.
async fn stream_of(on_upgrade: OnUpgrade) -> Option<TcpStream> {
    let upgraded = timeout(OPEN_WITHIN, on_upgrade).await.ok()?.ok()?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    // Who comes in waits for the answer before it says more.
    parts.read_buf.is_empty().then(|| parts.io.into_inner())
}
