//! Accepting connections, and turning away who may not come in.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{
    http::serve,
    turned_away::{Glance, glance, hear_out, turn_away},
};
use crate::shared::Shared;

/// How much of what a client has not been sent the system holds for it: the rest waits in its outbox, where it
/// may be replaced by what is newer, is counted, and costs the system nothing.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;

/// How long to wait when the process has no file left for a connection.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Takes connections until `stop`. Each runs on the shared tracker.
pub(crate) async fn accept(shared: &Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    // Every connection has it from its listener.
    if let Err(error) = SockRef::from(&listener).set_tcp_notsent_lowat(UNSENT_BYTES_MAX) {
        tracing::debug!(%error, "set TCP_NOTSENT_LOWAT");
    }
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                shared.events.accepted();
                admit(shared, stream, peer.ip());
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                shared.events.exhausted(&error);
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
    let is_proxy = shared.config.proxies.trust(address);
    let newcomer = match shared.doors.enter(address, is_proxy, shared.sessions.len()) {
        Ok(newcomer) => newcomer,
        Err(why) => return turn_away(shared, &stream, why),
    };
    let said = match newcomer.doubt {
        None => Bytes::new(),
        // It is heard out whom it speaks for.
        Some(_) if is_proxy => Bytes::new(),
        Some(_) if shared.tls.is_some() && may_belong(shared, address) => Bytes::new(),
        Some(why) if shared.tls.is_some() => return turn_away(shared, &stream, why),
        Some(why) => match glance(shared, &stream) {
            Glance::Known(said) => said,
            Glance::Stranger => return turn_away(shared, &stream, why),
            Glance::Unclear(said) => {
                shared.tasks.spawn(hear_out(Arc::clone(shared), stream, newcomer, said));
                return;
            }
        },
    };
    shared.tasks.spawn(serve(Arc::clone(shared), stream, newcomer, said));
}

/// Whether a connection by TLS, of which nothing can be read before its handshake has cost all it can, may
/// belong to a session: one for each that its address has here, at a time.
fn may_belong(shared: &Shared, address: IpAddr) -> bool {
    shared.doors.handshakes_from(address) <= shared.sessions.len_from(address)
}
