//! Accepting connections, and turning away who may not come in.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{http::serve, turned_away::turn_away};
use crate::shared::Shared;

/// How long to wait when the process has no file left for a connection.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Takes connections until `stop`. Each runs on the shared tracker.
pub(crate) async fn accept(shared: &Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
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
    let entered = shared.doors.enter(address, shared.sessions.len());
    let newcomer = match entered {
        Ok(newcomer) => newcomer,
        Err(why) => return turn_away(shared, stream, why),
    };
    if let Some(why) = newcomer.doubt.filter(|_| !may_be_known(shared, address)) {
        return turn_away(shared, stream, why);
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "set TCP_NODELAY");
    }
    shared.tasks.spawn(serve(Arc::clone(shared), stream, newcomer));
}

/// Whether it is worth while to hear if the connection belongs to a session: in plain words that costs next to
/// nothing, by TLS more than a handshake may cost that is refused.
fn may_be_known(shared: &Shared, address: IpAddr) -> bool {
    shared.tls.is_none() || shared.sessions.has_any_from(address)
}
