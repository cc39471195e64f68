//! The doors: accepting connections, and turning away who is too many before anything is read.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{addresses::Addresses, http::serve};
use crate::{config::Limits, events::Handshake, shared::Shared};

/// What a connection gets that finds the node full, before anything of it is read.
const OVERLOADED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

/// How long to wait when the process has no file left for a connection.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Counts connections, in all and by address.
#[derive(Debug)]
pub(crate) struct Doors {
    limits: Limits,
    inside: AtomicUsize,
    addresses: Addresses,
    rate: Mutex<Rate>,
}

/// A token bucket: `accepts_per_second` a second, with a burst of as many.
#[derive(Debug)]
struct Rate {
    tokens: f64,
    filled_at: Instant,
}

/// One connection inside; it is counted out when this is dropped.
#[derive(Debug)]
pub(crate) struct Inside {
    shared: Arc<Shared>,
    pub(crate) address: IpAddr,
}

impl Doors {
    pub(crate) fn new(limits: Limits) -> Self {
        let rate = Rate { tokens: f64::from(limits.accepts_per_second), filled_at: Instant::now() };
        Self {
            limits,
            inside: AtomicUsize::new(0),
            addresses: Addresses::default(),
            rate: Mutex::new(rate),
        }
    }

    fn enter(shared: &Arc<Shared>, address: IpAddr) -> Result<Inside, Handshake> {
        let doors = &shared.doors;
        if doors.inside.fetch_add(1, Ordering::Relaxed) >= doors.limits.sockets
            || !doors.rate.lock().take(doors.limits.accepts_per_second)
        {
            doors.inside.fetch_sub(1, Ordering::Relaxed);
            return Err(Handshake::Overloaded);
        }
        if doors.addresses.is_full(address, doors.limits.sockets_per_address) {
            doors.inside.fetch_sub(1, Ordering::Relaxed);
            return Err(Handshake::AddressFull);
        }
        doors.addresses.count_in(address);
        Ok(Inside { shared: Arc::clone(shared), address })
    }

    fn leave(&self, address: IpAddr) {
        self.inside.fetch_sub(1, Ordering::Relaxed);
        self.addresses.count_out(address);
    }
}

impl Rate {
    fn take(&mut self, per_second: u32) -> bool {
        let now = Instant::now();
        let per_second = f64::from(per_second);
        let filled = now.duration_since(self.filled_at).as_secs_f64() * per_second;
        self.tokens = (self.tokens + filled).min(per_second);
        self.filled_at = now;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.shared.doors.leave(self.address);
    }
}

/// Lets a neighbour in that comes for a client of its own, whom it has counted. `None`: this node is full.
pub(crate) fn let_in(shared: &Arc<Shared>) -> Option<Inside> {
    let doors = &shared.doors;
    if doors.inside.fetch_add(1, Ordering::Relaxed) >= doors.limits.sockets {
        doors.inside.fetch_sub(1, Ordering::Relaxed);
        return None;
    }
    let address = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    doors.addresses.count_in(address);
    Some(Inside { shared: Arc::clone(shared), address })
}

/// Takes connections until `stop`. Each runs on the shared tracker.
pub(crate) async fn accept(shared: &Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(shared, stream, peer.ip()),
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "accept a connection");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn admit(shared: &Arc<Shared>, stream: TcpStream, address: IpAddr) {
    match Doors::enter(shared, address) {
        Ok(inside) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "set TCP_NODELAY");
            }
            shared.tasks.spawn(serve(Arc::clone(shared), stream, inside));
        }
        Err(outcome) => {
            shared.events.handshake(outcome);
            turn_away(shared, &stream);
        }
    }
}

/// The answer of a full node is worth one attempt, not a wait, and no TLS either: over it, who is turned
/// away hears nothing.
fn turn_away(shared: &Shared, stream: &TcpStream) {
    if shared.tls.is_some() {
        return;
    }
    if let Err(error) = stream.try_write(OVERLOADED) {
        tracing::trace!(%error, "turn a connection away");
    }
}
