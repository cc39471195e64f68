//! TLS on the public port: which certificate is shown, when it is read again, and what is agreed on.
//!
//! May enter: two files, and connections that begin.
//! May not enter: what is said once a connection is agreed on; that is `engine`'s wire.
//!
//! Promise: a pair that will not do never takes the place of one that does.

mod events;
mod identity;
mod renewal;

#[cfg(test)]
pub(crate) mod papers;

use std::{io, sync::Arc};

use prometheus::Registry;
use rustls::{
    ServerConfig, ServerConnection,
    crypto::aws_lc_rs::{Ticketer, default_provider},
    version::{TLS12, TLS13},
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::events::Agreement;
pub use self::identity::{Identity, IdentityError};
use self::{events::Events, renewal::Renewal};

/// TLS, for as long as the gateway runs.
#[derive(Debug)]
pub(crate) struct Tls {
    rules: Arc<ServerConfig>,
    renewal: Arc<Renewal>,
    events: Events,
}

impl Tls {
    pub(crate) fn new(identity: Identity, registry: &Registry) -> Result<Self, TlsError> {
        let events = Events::new(registry)?;
        let renewal = Arc::new(Renewal::new(identity));
        let mut rules = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&renewal) as _);
        rules.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Who comes back is known again without anything being kept for it.
        rules.ticketer = Ticketer::new()?;
        Ok(Self { rules: Arc::new(rules), renewal, events })
    }

    /// The server's side of a connection that has said nothing yet.
    pub(crate) fn begin(&self) -> io::Result<ServerConnection> {
        ServerConnection::new(Arc::clone(&self.rules)).map_err(io::Error::other)
    }

    pub(crate) fn agreed(&self, outcome: Agreement) {
        self.events.agreed(outcome);
    }

    /// Looks at the files now and then, until `stop`.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        self.renewal.run(&self.events, stop).await;
    }
}

/// Why there can be no TLS, although the certificate is fine.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("register the metrics of tls")]
    Metrics(#[from] prometheus::Error),
    #[error("prepare tls")]
    Rustls(#[from] rustls::Error),
}
