//! The gateway as its owner holds it: made once, run until told to stop.

use std::{panic::resume_unwind, sync::Arc, time::Duration};

use adapter::{Inbox, Link, RelayDriver, Requests};
use auth::{Gate, OpenError};
use parking_lot::Mutex;
use prometheus::Registry;
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    answering::answer_all,
    api,
    config::Config,
    delivery::deliver,
    departure::Departure,
    drain::{self, Drain, Wishes},
    engine::{accept, weigh},
    events::Events,
    exemplars::Exemplars,
    forwarding,
    orders::{Orders, Waiting},
    others, recovery,
    revocations::{Keeper, Revocations},
    shared::{Shared, Ways},
    tls::{Tls, TlsError},
};

/// What connections have at least to write their last bytes.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Ends the sockets of one node. Clones share the same sockets.
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
    /// Taken by the one call of [`Gateway::run`].
    inflow: Arc<Mutex<Option<Inflow>>>,
}

/// What comes to a gateway from others, each in its queue.
#[derive(Debug)]
struct Inflow {
    inbox: Inbox,
    requests: Requests,
    orders: Waiting,
    revocations: Keeper,
    wishes: Wishes,
}

/// Why a gateway could not be made.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("register the gateway's metrics")]
    Metrics(#[from] prometheus::Error),
    #[error("ask clients who they are")]
    Gate(#[from] OpenError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Gateway {
    pub fn new(config: Config, link: Link, registry: &Registry) -> Result<Self, StartError> {
        let Link { publisher, interest, inbox, store, logins, held_seats, .. } = link;
        let Link { revocations, signals, nodes, requests, echo, uplink, .. } = link;
        let relay = RelayDriver::new(signals, registry)?;
        let ways =
            Ways { publisher, interest, store, held_seats, logins, nodes, relay, echo, uplink };
        let gate = Gate::open(config.auth.clone(), registry)?;
        let tls = config.tls.clone();
        let tls = tls.map(|identity| Tls::new(identity, None, "public", registry)).transpose()?;
        let (orders, waiting) = Orders::open();
        let (drain, wishes) = Drain::open();
        let (revocations, keeper) = Revocations::open(revocations, registry)?;
        let events = Events::new(registry)?;
        events.limited_by(&config.limits);
        let shared = Shared::new(config, gate, tls, events, ways, (orders, drain, revocations));
        let inflow = Inflow { inbox, requests, orders: waiting, wishes, revocations: keeper };
        Ok(Self { shared: Arc::new(shared), inflow: Arc::new(Mutex::new(Some(inflow))) })
    }

    /// Serves `public` until `stop`; then closes every transport, what waits first, at a pace that ends when
    /// [`Gateway::withdraw`] has said.
    ///
    /// Not cancellation-safe: dropped, it leaves connections running. Cancel `stop` and await it.
    pub async fn run(&self, public: TcpListener, stop: CancellationToken) {
        let shared = &self.shared;
        let inflow = self.inflow.lock().take();
        let inflow = inflow.expect("a gateway runs once");
        let Inflow { inbox, requests, orders, wishes, revocations } = inflow;
        let rest = CancellationToken::new();
        let leave = async {
            stop.cancelled().await;
            self.let_all_go().await;
            rest.cancel();
        };
        // A task of its own: else every notice would wake all that is below.
        let mut delivering = JoinSet::new();
        delivering.spawn(deliver(Arc::clone(shared), inbox, rest.clone()));
        let delivering = to_their_end(delivering);
        tokio::join!(
            leave,
            async {
                // Nobody is let in by what may have been taken back.
                shared.revocations.known().await;
                accept(shared, public, shared.closing.clone()).await;
            },
            Box::pin(revocations.run(shared, rest.clone())),
            shared.gate.run(rest.clone()),
            Box::pin(recovery::renew(shared, rest.clone())),
            shared.renew(rest.clone()),
            shared.pulse.run(rest.clone()),
            weigh(shared, rest.clone()),
            delivering,
            shared.cluster.listen(rest.clone()),
            answer_all(shared, requests, rest.clone()),
            Box::pin(orders.carry_out(shared, rest.clone())),
            others::announce(shared, rest.clone()),
            Box::pin(drain::carry_out(shared, wishes, stop.clone())),
            drain::let_the_old_go(shared, stop.clone()),
        );
    }

    /// How many connections are open.
    pub fn sockets(&self) -> usize {
        self.shared.sessions.len()
    }

    /// The HTTP API for backends, without authentication, which is the server's.
    pub fn api(&self) -> axum::Router {
        api::router(&self.shared)
    }

    /// Where the other nodes come in with their clients' requests for this one's sessions. It asks for no key
    /// of the API.
    pub fn tunnels(&self) -> axum::Router {
        forwarding::router(&self.shared)
    }

    /// Lets everybody know that this node goes, and that its sockets are gone `until` then. Newcomers are
    /// still let in, since those in front of the node hear of it a little later.
    pub fn withdraw(&self, until: Instant) {
        drain::withdraw(&self.shared, until);
    }

    /// Newcomers get a 503 from now on, but the doors stay open until the last session is gone: a client
    /// that polls comes back to hear that it must leave.
    pub fn turn_newcomers_away(&self) {
        self.shared.stopping.cancel();
    }

    /// Whether this node goes: because it stops, or because somebody wished it to.
    pub fn is_leaving(&self) -> bool {
        self.shared.drain.is_leaving()
    }

    /// The last recorded traces by how long they took.
    pub fn exemplars(&self) -> Exemplars {
        self.shared.events.exemplars.clone()
    }

    /// Whether it hears nothing of what is published while another node does.
    pub fn is_deaf(&self) -> bool {
        self.shared.hearing.is_deaf()
    }

    /// Whoever is still here goes at once.
    pub fn hurry(&self) {
        self.shared.drain.hurry();
    }

    /// For what measures its parts.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    async fn let_all_go(&self) {
        let shared = &self.shared;
        let until = shared.drain.until().unwrap_or_else(Instant::now);
        self.turn_newcomers_away();
        drain::empty(shared, until).await;
        for session in shared.sessions.all() {
            session.close(Departure::Drain);
        }
        shared.closing.cancel();
        shared.tasks.close();
        let left = until.saturating_duration_since(Instant::now()).max(LAST_WORDS);
        if tokio::time::timeout(left, shared.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = shared.tasks.len(), "left connections at the end of the grace");
        }
    }
}

/// Waits for all of them. One that panics takes its owner along, who would not know otherwise that it is gone.
async fn to_their_end(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[should_panic(expected = "the delivery is broken")]
    async fn a_panic_of_who_delivers_is_the_gateway_s_own() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async { panic!("the delivery is broken") });
        to_their_end(tasks).await;
    }
}
