//! The gateway as its owner holds it: made once, run until told to stop.

use std::{sync::Arc, time::Duration};

use adapter::{Arrival, Inbox, Link, RelayDriver, Requests};
use auth::{Gate, OpenError};
use notice::{Draft, Notice};
use parking_lot::Mutex;
use prometheus::Registry;
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    answering::answer_all,
    api,
    config::Config,
    departure::Departure,
    drain::{self, Drain, Wishes},
    engine::{Ids, accept, weigh},
    events::{Dropped, Events},
    forwarding, login,
    orders::{Orders, Waiting},
    others, recovery,
    revocations::{Keeper, Revocations},
    shared::{Shared, Ways},
    tls::{Tls, TlsError},
    volley::Volley,
};

/// What connections have at least to write their last bytes.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Arrivals that are taken together.
const TOGETHER_MAX: usize = 64;

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
        let delivering = async { while delivering.join_next().await.is_some() {} };
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

    /// Whether it hears nothing of what is published while another node does.
    pub fn is_deaf(&self) -> bool {
        self.shared.hearing.is_deaf()
    }

    /// Whoever is still here goes at once.
    pub fn hurry(&self) {
        self.shared.drain.hurry();
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

/// Hands what the bus brings to the hub, in order, until `stop`.
async fn deliver(shared: Arc<Shared>, mut inbox: Inbox, stop: CancellationToken) {
    let mut arrivals = Vec::with_capacity(TOGETHER_MAX);
    loop {
        let arrival = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            arrival = inbox.next() => arrival,
        };
        let Some(arrival) = arrival else { return };
        arrivals.push(arrival);
        let more = std::iter::from_fn(|| inbox.try_next());
        arrivals.extend(more.take(TOGETHER_MAX - 1));
        for part in arrivals.chunk_by(go_together) {
            take_in(&shared, part).await;
        }
        arrivals.clear();
    }
}

/// Whether two arrivals are notices that all members of one audience get.
fn go_together(one: &Arrival, next: &Arrival) -> bool {
    let (Arrival::Notice(one), Arrival::Notice(next)) = (one, next) else { return false };
    one.draft.audience == next.draft.audience && Volley::takes(one) && Volley::takes(next)
}

/// One arrival, or several that go together.
async fn take_in(shared: &Shared, part: &[Arrival]) {
    let arrival = match part {
        [arrival] => arrival,
        several => {
            let notices = several.iter().filter_map(|arrival| match arrival {
                Arrival::Notice(notice) => Some(notice),
                _ => None,
            });
            return shared.hub.deliver_all(&Volley::of(notices), &shared.events).await;
        }
    };
    match arrival {
        Arrival::Notice(notice) => {
            shared.hub.deliver(notice, &shared.events).await;
            count_if_unknown(shared, notice);
        }
        Arrival::Gap(gap) => {
            shared.events.behind();
            shared.hub.tell_of(gap);
        }
        Arrival::Renumbered { audience, notices } => {
            shared.hub.renumber(audience, notices, &shared.events);
        }
        Arrival::PutOut { room, members } => login::put_out(shared, room, members),
    }
}

/// A notice for one socket that came by the bus reaches every node. The one that made the socket's id says
/// whether it is gone.
fn count_if_unknown(shared: &Shared, notice: &Notice) {
    let Draft { audience, narrowing, .. } = &notice.draft;
    let Some(id) = narrowing.as_ref().and_then(|it| it.socket.as_ref()) else { return };
    if Ids::is_of(&shared.config.node, id) && shared.hub.socket(&audience.namespace, id).is_none() {
        shared.events.dropped(Dropped::UnknownSocket);
    }
}
