//! What all connections of one gateway share. Made once, handed along as one `Arc`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use adapter::{
    BusError, CatchUp, Echo, HeldSeats, Interest, Logins, Nodes, Publisher, RelayDriver, Store,
    Uplink,
};
use auth::Gate;
use notice::{Audience, Epoch, NoticeId, Position};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    asked::{Cluster, Waiters},
    config::{Config, Conformance, Showing},
    drain::Drain,
    encoded::Encoded,
    engine::{Dialect, Doors, Ids, Pulse, Sessions},
    events::Events,
    forwarding::Forwarding,
    hearing::Hearing,
    hub::Hub,
    orders::Orders,
    readings::{Readings, Want},
    recovery::Recovery,
    revocations::Revocations,
    tail::TAILS_MAX,
    tls::Tls,
};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) gate: Gate,
    pub(crate) showing: Showing,
    pub(crate) tls: Option<Tls>,
    pub(crate) events: Arc<Events>,
    pub(crate) ids: Ids,
    pub(crate) doors: Arc<Doors>,
    pub(crate) sessions: Sessions,
    pub(crate) pulse: Pulse,
    pub(crate) hub: Arc<Hub>,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) cluster: Cluster,
    pub(crate) publisher: Publisher,
    pub(crate) interest: Interest,
    pub(crate) store: Store,
    pub(crate) readings: Readings<(Audience, Want), Result<CatchUp, BusError>>,
    /// Absent where clients get no seat back.
    pub(crate) recovery: Option<Recovery>,
    pub(crate) logins: Logins,
    pub(crate) nodes: Nodes,
    pub(crate) orders: Orders,
    pub(crate) revocations: Revocations,
    pub(crate) drain: Drain,
    pub(crate) forwarding: Forwarding,
    pub(crate) echo: Echo,
    pub(crate) hearing: Hearing,
    /// Turns to watch.
    pub(crate) tails: Arc<Semaphore>,
    /// Where what clients say goes, if a backend reads it.
    pub(crate) uplink: Option<Uplink>,
    /// Owns every connection's task; the gateway awaits it when it stops.
    pub(crate) tasks: TaskTracker,
    /// No newcomer is admitted any more.
    pub(crate) stopping: CancellationToken,
    /// The last session is gone: connections end, and none is accepted.
    pub(crate) closing: CancellationToken,
    started: Instant,
    ping: Arc<Encoded>,
    plain_ping: Arc<Encoded>,
    stream_ping: Arc<Encoded>,
    /// Numbers what is sent on this node alone and never reaches the bus.
    local_epoch: Epoch,
    local_seq: AtomicU64,
}

/// What a gateway may do on the bus, beside hearing what is delivered.
#[derive(Debug)]
pub(crate) struct Ways {
    pub(crate) publisher: Publisher,
    pub(crate) interest: Interest,
    pub(crate) store: Store,
    pub(crate) held_seats: HeldSeats,
    pub(crate) logins: Logins,
    pub(crate) nodes: Nodes,
    pub(crate) relay: RelayDriver,
    pub(crate) echo: Echo,
    pub(crate) uplink: Option<Uplink>,
}

impl Shared {
    pub(crate) fn new(
        config: Config,
        gate: Gate,
        tls: Option<Tls>,
        events: Events,
        ways: Ways,
        (orders, drain, revocations): (Orders, Drain, Revocations),
    ) -> Self {
        let Ways { publisher, interest, store, held_seats, logins, .. } = ways;
        let Ways { nodes, relay, echo, uplink, .. } = ways;
        let (hub, events) = (Arc::new(Hub::default()), Arc::new(events));
        let waiters = Waiters::new(&events);
        let recovery = config.recovery_native;
        let recovery =
            recovery.then(|| Recovery::new(&config.node, config.recovery_window, held_seats));
        let forwarding = Forwarding::new(config.advertised.clone(), config.limits.sockets);
        let limits = config.limits;
        let periods = [config.ping_interval, config.ping_timeout, limits.stall, limits.handshake];
        Self {
            ids: Ids::of(&config.node),
            doors: Arc::new(Doors::new(limits)),
            sessions: Sessions::default(),
            pulse: Pulse::new(&periods),
            cluster: Cluster::new(&config.node, &hub, &waiters, relay, nodes.clone()),
            hub,
            waiters,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            closing: CancellationToken::new(),
            started: Instant::now(),
            ping: Encoded::text_only("2"),
            plain_ping: Encoded::websocket_ping(),
            stream_ping: Encoded::text_only(": ping\n\n"),
            local_epoch: Epoch::new(&format!("{:016x}", rand::random::<u64>()))
                .expect("16 hexadecimal digits are an epoch"),
            local_seq: AtomicU64::new(0),
            showing: Showing::of(&config),
            config,
            gate,
            tls,
            events,
            publisher,
            interest,
            store,
            readings: Readings::default(),
            recovery,
            logins,
            nodes,
            orders,
            revocations,
            drain,
            forwarding,
            echo,
            hearing: Hearing::default(),
            tails: Arc::new(Semaphore::new(TAILS_MAX)),
            uplink,
        }
    }

    /// Keeps the certificate new, if there is one, until `stop`.
    pub(crate) async fn renew(&self, stop: CancellationToken) {
        if let Some(tls) = &self.tls {
            tls.run(stop).await;
        }
    }

    /// Milliseconds since the gateway began.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The same, finer.
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// What keeps a quiet socket of this dialect alive.
    pub(crate) fn ping(&self, dialect: Dialect) -> &Arc<Encoded> {
        match dialect {
            Dialect::PlainWebSocket => &self.plain_ping,
            Dialect::EventStream => &self.stream_ping,
            Dialect::Engine3 { .. } | Dialect::Engine4 => &self.ping,
        }
    }

    /// Whether a session of this dialect must join a namespace in time.
    pub(crate) fn expects_connect(&self, dialect: Dialect) -> bool {
        dialect.is_engine() && self.config.conformance != Some(Conformance::Engine)
    }

    /// Whether this position is of something that was sent on this node alone.
    pub(crate) fn is_local(&self, position: &Position) -> bool {
        position.epoch == self.local_epoch
    }

    /// Whether clients are asked who they are.
    pub(crate) fn gate_is_shut(&self) -> bool {
        !self.gate.is_open()
    }

    /// An id for something that is sent on this node alone.
    pub(crate) fn local_id(&self, audience: Audience) -> NoticeId {
        let seq = self.local_seq.fetch_add(1, Ordering::Relaxed) + 1;
        NoticeId { audience, position: Position { epoch: self.local_epoch.clone(), seq } }
    }
}
