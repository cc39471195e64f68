//! The internal port's connections: how many, how long, and how they end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use gateway::{Agreement, Tls, TlsError};
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use prometheus::Registry;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use crate::{
    events::{self, ApiEvents},
    settings::Internal,
};

/// Connections at a time. One more has those closed that wait for a request, so that who asks whether the node
/// lives is answered, however many callers keep theirs.
const CONNECTIONS_MAX: usize = 1024;
/// How long a connection may say nothing, between requests or within a request's head.
const HEAD_WITHIN: Duration = Duration::from_mins(1);
/// How long requests in flight may go on once the port closes.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// The wait after the system gave no connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a caller may take to agree on TLS.
const AGREE_WITHIN: Duration = Duration::from_secs(10);

/// In a request's extensions: its caller has shown a certificate that a root of callers has signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certified;

/// What can move the accept loop.
enum Wake {
    Stop,
    Connection(TcpStream, SocketAddr, OwnedSemaphorePermit),
    Failed(std::io::Error),
}

/// TLS of the port, if the settings ask for it.
pub(super) fn tls(config: &Internal, registry: &Registry) -> Result<Option<Arc<Tls>>, TlsError> {
    let Some(tls) = config.tls.clone() else { return Ok(None) };
    Tls::new(tls.identity, tls.clients, "internal", registry).map(Arc::new).map(Some)
}

/// Accepts until `stop`, then lets the requests in flight end. Keeps its certificate new meanwhile.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    events: ApiEvents,
    stop: CancellationToken,
) {
    let renewing = async {
        if let Some(tls) = &tls {
            tls.run(stop.clone()).await;
        }
    };
    tokio::join!(accept(listener, tls.clone(), router, events, stop.clone()), renewing);
}

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    events: ApiEvents,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    // Those that are there end with it once what they answer is answered.
    let mut present = stop.child_token();
    loop {
        while connections.try_join_next().is_some() {}
        if places.available_permits() == 0 {
            events.port_full(CONNECTIONS_MAX);
            present.cancel();
            present = stop.child_token();
        }
        match wake(&listener, &places, &stop).await {
            Wake::Stop => break,
            Wake::Connection(stream, peer, place) => {
                let (tls, router, end) = (tls.clone(), router.clone(), present.clone());
                connections.spawn(attend(stream, peer, tls, router, end, place));
            }
            Wake::Failed(error) => {
                events::accept_failed(&error);
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let all_closed = async { while connections.join_next().await.is_some() {} };
    // What does not end in time is cut with the set.
    let _in_time = time::timeout(CLOSE_WITHIN, all_closed).await;
}

async fn wake(listener: &TcpListener, places: &Arc<Semaphore>, stop: &CancellationToken) -> Wake {
    let accept = async {
        let place = Arc::clone(places).acquire_owned().await.expect("nobody closes the semaphore");
        listener.accept().await.map(|(stream, peer)| (stream, peer, place))
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => Wake::Stop,
        accepted = accept => match accepted {
            Ok((stream, peer, place)) => Wake::Connection(stream, peer, place),
            Err(error) => Wake::Failed(error),
        },
    }
}

/// One connection from its first byte to its last.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
    router: Router,
    end: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    // Answers are small and awaited; without it they may wait for more.
    let _unless_gone = stream.set_nodelay(true);
    let Some(tls) = tls else { return converse(stream, peer, None, router, end).await };
    let Some(stream) = agree(&tls, stream).await else { return };
    let certified = stream.get_ref().1.peer_certificates().map(|_| Certified);
    converse(stream, peer, certified, router, end).await;
}

/// `None`: there is nobody to agree with.
async fn agree(tls: &Tls, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    let agreeing = TlsAcceptor::from(tls.rules()).accept(stream);
    let agreed = time::timeout(AGREE_WITHIN, agreeing).await;
    let (outcome, stream) = match agreed {
        Ok(Ok(stream)) => (Agreement::Done, Some(stream)),
        Ok(Err(error)) => (Agreement::of(&error), None),
        Err(_elapsed) => (Agreement::Late, None),
    };
    tls.agreed(outcome);
    stream
}

/// Answers on one connection until it ends; once told to end, does so after the request in flight.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    certified: Option<Certified>,
    router: Router,
    end: CancellationToken,
) {
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        // For the audit: who asked.
        request.extensions_mut().insert(peer);
        if let Some(certified) = certified {
            request.extensions_mut().insert(certified);
        }
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        // Other nodes open tunnels here.
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = end.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        events::connection_failed(&error);
    }
}
