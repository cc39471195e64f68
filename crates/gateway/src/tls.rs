//! TLS on a port: which certificate is shown, whose are asked for, when both are read again, and what is agreed on.
//!
//! May enter: a few files, and connections that begin.
//! May not enter: what is said once a connection is agreed on; of the public port that is `engine`'s wire.
//!
//! Promise: files that will not do never take the place of those that do.

mod clients;
mod events;
mod identity;
mod renewal;

#[cfg(test)]
pub(crate) mod papers;

use std::{io, sync::Arc};

use parking_lot::Mutex;
use prometheus::Registry;
use rustls::{
    ServerConfig, ServerConnection,
    crypto::aws_lc_rs::{Ticketer, default_provider},
    server::NoServerSessionStorage,
    version::{TLS12, TLS13},
};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

pub use self::{
    clients::{ClientRoots, RootsError},
    events::Agreement,
    identity::{Identity, IdentityError},
};
use self::{events::Events, renewal::Renewal};

/// TLS on one port, for as long as it is open.
#[derive(Debug)]
pub struct Tls {
    rules: Mutex<Arc<ServerConfig>>,
    renewal: Arc<Renewal>,
    /// Whose certificates are asked for, if any are.
    clients: Option<ClientRoots>,
    events: Events,
}

impl Tls {
    /// `port` is what the metrics call it.
    pub fn new(
        identity: Identity,
        clients: Option<ClientRoots>,
        port: &str,
        registry: &Registry,
    ) -> Result<Self, TlsError> {
        let events = Events::new(port, registry)?;
        let renewal = Arc::new(Renewal::new(identity));
        let rules = Mutex::new(rules(&renewal, clients.as_ref())?);
        Ok(Self { rules, renewal, clients, events })
    }

    /// What newcomers agree to now.
    pub fn rules(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.rules.lock())
    }

    /// The server's side of a connection that has said nothing yet.
    pub(crate) fn begin(&self) -> io::Result<ServerConnection> {
        ServerConnection::new(self.rules()).map_err(io::Error::other)
    }

    pub fn agreed(&self, outcome: Agreement) {
        self.events.agreed(outcome);
    }

    /// Looks at the files now and then, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(self.renewal.run(&self.events, stop.clone()), self.follow_clients(stop));
    }

    async fn follow_clients(&self, stop: CancellationToken) {
        let Some(mut known) = self.clients.clone() else { return };
        let mut refusal = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(renewal::PERIOD) => {}
            }
            let looked_at = known.clone();
            // A disk may be far away.
            let Ok(newer) = spawn_blocking(move || looked_at.newer()).await else { return };
            let said = newer.as_ref().err().map(ToString::to_string);
            match newer {
                Ok(Some(roots)) => self.take_roots(roots, &mut known),
                Err(error) if refusal != said => self.events.no_new_roots(&error),
                Ok(None) | Err(_) => {}
            }
            refusal = said;
        }
    }

    fn take_roots(&self, roots: ClientRoots, known: &mut ClientRoots) {
        let rules = rules(&self.renewal, Some(&roots));
        *self.rules.lock() = rules.expect("rules of the same making held before");
        *known = roots;
        self.events.new_roots();
    }
}

fn rules(
    renewal: &Arc<Renewal>,
    clients: Option<&ClientRoots>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let rules = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?;
    let rules = match clients {
        Some(clients) => rules.with_client_cert_verifier(clients.verifier()),
        None => rules.with_no_client_auth(),
    };
    let mut rules = rules.with_cert_resolver(Arc::clone(renewal) as _);
    rules.alpn_protocols = vec![b"http/1.1".to_vec()];
    if clients.is_none() {
        // Who comes back is known again without anything being kept for it.
        rules.ticketer = Ticketer::new()?;
    } else {
        // Whose certificate is asked for shows it each time: its root may be trusted no more.
        rules.session_storage = Arc::new(NoServerSessionStorage {});
        rules.send_tls13_tickets = 0;
    }
    Ok(Arc::new(rules))
}

/// Why there can be no TLS, although the certificate is fine.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("register the metrics of tls")]
    Metrics(#[from] prometheus::Error),
    #[error("prepare tls")]
    Rustls(#[from] rustls::Error),
}
