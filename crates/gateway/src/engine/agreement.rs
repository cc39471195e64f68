//! Before the first request: TLS is agreed on, where the public port speaks it, or the client goes.

use std::net::IpAddr;

use tokio::{net::TcpStream, time::timeout};

use super::wire::Wire;
use crate::{
    shared::Shared,
    tls::{Agreement, Tls},
};

/// The wire under a new connection; `None` if there is nobody to agree with.
pub(super) async fn agree(shared: &Shared, stream: TcpStream, address: IpAddr) -> Option<Wire> {
    let Some(tls) = &shared.tls else { return Some(Wire::Plain(stream)) };
    let agreeing = timeout(shared.config.limits.handshake, begin(tls, stream));
    let agreed = tokio::select! {
        biased;
        () = shared.closing.cancelled() => return None,
        agreed = agreeing => agreed,
    };
    let (outcome, wire) = match agreed {
        Ok(Ok(wire)) => (Agreement::Done, Some(wire)),
        Ok(Err(error)) => {
            tracing::debug!(client.addr = %address, %error, "did not agree on tls");
            (Agreement::of(&error), None)
        }
        Err(_elapsed) => (Agreement::Late, None),
    };
    tls.agreed(outcome);
    wire
}

async fn begin(tls: &Tls, stream: TcpStream) -> std::io::Result<Wire> {
    Wire::tls(stream, tls.begin()?).await
}
