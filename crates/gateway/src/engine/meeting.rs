//! Before anything else: whom a connection is from, where a proxy that is believed begins by saying so.

use tokio::net::TcpStream;

use super::doors::Inside;
use crate::{
    events::Handshake,
    proxies::{NotIntroduced, introduced},
    shared::Shared,
};

/// Hears the proxy out. `None`: it did not say, or its client has too many connections already.
pub(super) async fn meet(
    shared: &Shared,
    stream: &mut TcpStream,
    inside: &mut Inside,
) -> Option<()> {
    let (config, proxy) = (&shared.config, inside.address);
    if !config.proxies.introduce || !config.proxies.trust(proxy) {
        return Some(());
    }
    let introduced = tokio::select! {
        biased;
        () = shared.closing.cancelled() => return None,
        introduced = introduced(stream, config.limits.handshake) => introduced,
    };
    let counted = match introduced {
        Ok(Some(client)) => inside.speaks_for(client),
        Ok(None) => Ok(()),
        // Whoever looks whether the port is open says nothing.
        Err(NotIntroduced::Io(_)) => return None,
        Err(error) => {
            tracing::debug!(client.addr = %proxy, %error, "a proxy did not say whom it speaks for");
            Err(Handshake::NotIntroduced)
        }
    };
    counted.map_err(|outcome| shared.events.handshake(outcome)).ok()
}
