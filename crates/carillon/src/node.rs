//! One node: built from its config, wired, run until it is told to stop.
//!
//! Promise: it stops in the order that notices flow, so that nothing is held when its way out shuts;
//! what is left after `drain.grace` is cut and told.

mod admission;
mod answer;
mod audit;
mod body;
mod dead;
mod health;
mod internal;
mod keyring;
mod log;
mod metrics;
mod openmetrics;
mod page;
mod process;
mod queues;
mod routes;
mod serving;
mod stage;
mod stopping;
mod tasks;
mod wiring;

use std::{future::Future, io, net::SocketAddr, time::Duration};

use gateway::Gateway;
use prometheus::Registry;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{admission::Refusal, audit::Order, dead::Letter};
use self::{
    health::{Readiness, Watchdog},
    internal::{Front, Internal},
    keyring::Keyring,
    metrics::Numbers,
    queues::Queues,
    stage::Stage,
    tasks::Door,
};
use crate::{
    bus::{Bus, JoinError, SharedBus},
    demo,
    events::{self, ApiEvents},
    settings::{Config, Drain, Role},
    telemetry::{Levels, Telemetry},
};

/// A running node. Dropped, it is cut off; let [`Node::stopped`] end it instead.
#[derive(Debug)]
pub struct Node {
    public_addr: Option<SocketAddr>,
    internal_addr: SocketAddr,
    /// There is no time for a pace any more.
    hurry: CancellationToken,
    /// The one task that owns all others.
    running: Stage<Result<(), RunError>>,
}

/// Why a node did not start. Nothing is left of it.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("address in use: {addr} ({setting})")]
    AddressInUse { setting: &'static str, addr: SocketAddr },
    #[error("listen on {addr} ({setting})")]
    Listen { setting: &'static str, addr: SocketAddr, source: io::Error },
    #[error("register metrics")]
    Metrics(#[from] prometheus::Error),
    #[error("allow the demo page's origin")]
    Origin(#[from] gateway::OriginError),
    #[error("join the bus")]
    Bus(#[from] JoinError),
    #[error("read worker messages")]
    Source(#[from] ingest::SourceError),
    #[error("speak tls on the internal port")]
    Tls(#[from] gateway::TlsError),
    #[error("start gateway")]
    Gateway(#[from] gateway::StartError),
}

/// Why a node that ran did not end as asked.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("run {stage}: it ended by itself")]
    StageEnded { stage: &'static str },
    #[error("close {stage} within drain.grace = {grace:?}")]
    Overran { stage: &'static str, grace: Duration },
}

/// What runs, in the order in which it closes.
struct Running {
    readiness: Readiness,
    door: Door,
    demo: Stage<()>,
    intake: Stage<()>,
    sockets: Stage<()>,
    bus: Stage<()>,
    internal: Stage<()>,
    gateway: Option<Gateway>,
    hurry: CancellationToken,
    drain: Drain,
}

impl Node {
    /// Listens, wires and runs. Once this returns, the node is ready; it stops when `shutdown` ends.
    pub async fn start(
        config: Config,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let telemetry = Telemetry::of_nobody(&config.telemetry)?;
        Self::start_with(&telemetry, config, shutdown).await
    }

    /// The same, in a process with log lines and traces of its own.
    pub(crate) async fn start_with(
        telemetry: &Telemetry,
        config: Config,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let registry = Registry::new();
        // Large, and must not make every caller's future so.
        let bus = Box::pin(Bus::open(&config, &registry)).await?;
        Box::pin(Self::start_on(bus, registry, telemetry, config, shutdown)).await
    }

    /// The same, on a bus that nodes of this process share and whoever made it runs.
    pub async fn start_beside(
        bus: &SharedBus,
        config: Config,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let telemetry = Telemetry::of_nobody(&config.telemetry)?;
        let bus = Bus::Shared(bus.clone());
        Self::start_on(bus, Registry::new(), &telemetry, config, shutdown).await
    }

    async fn start_on(
        bus: Bus,
        registry: Registry,
        telemetry: &Telemetry,
        config: Config,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, StartError> {
        let internal = listen("internal.addr", config.internal.addr).await?;
        let internal_addr = addr_of(&internal, "internal.addr")?;
        let (mut public, mut public_addr) = (None, None);
        if config.roles.has(Role::Gateway) {
            let listener = listen("public.addr", config.public.addr).await?;
            public_addr = Some(addr_of(&listener, "public.addr")?);
            public = Some(listener);
        }
        // Large, and must not make every caller's future so.
        let ports = (internal, public);
        let running = Box::pin(Running::wire(&config, bus, registry, telemetry, ports)).await?;
        running.readiness.grant();
        let (hurry, stage) = (running.hurry.clone(), Stage::new("node"));
        let mut node = Self { public_addr, internal_addr, hurry, running: stage };
        node.running.spawn(|_stop| running.run(shutdown));
        Ok(node)
    }

    /// Where clients connect; `None` without the gateway role.
    pub fn public_addr(&self) -> Option<SocketAddr> {
        self.public_addr
    }

    /// Where the API, metrics and health are.
    pub fn internal_addr(&self) -> SocketAddr {
        self.internal_addr
    }

    /// Cancelled, it makes a node that stops do so without a pace.
    pub fn hurry(&self) -> CancellationToken {
        self.hurry.clone()
    }

    /// Waits until the node has stopped. When `cut` ends first, the rest is cut at once.
    pub async fn stopped(mut self, cut: impl Future<Output = ()>) -> Result<(), RunError> {
        tokio::select! {
            biased;
            result = self.running.ended() => {
                result.unwrap_or(Err(RunError::StageEnded { stage: "node" }))
            }
            () = cut => {
                events::cut();
                Ok(())
            }
        }
    }
}

impl Running {
    async fn wire(
        config: &Config,
        bus: Bus,
        registry: Registry,
        telemetry: &Telemetry,
        (internal, public): (TcpListener, Option<TcpListener>),
    ) -> Result<Self, StartError> {
        events::built(&registry)?;
        telemetry.spans.register(&registry)?;
        let node = telemetry.node.clone();
        let link = bus.link(node.clone()).await?;
        let internal_addr = addr_of(&internal, "internal.addr")?;
        let (mut intake, mut queues) = (None, None);
        if config.roles.has(Role::Ingest) {
            let way_in = wiring::intake(config, link.publisher.clone(), &registry)?;
            queues = Some(Queues::open(config, way_in.clone(), internal_addr).await?);
            intake = Some(way_in);
        }
        let (mut gateway, mut public_addr, mut unheard) = (None, None, None);
        if let Some(public) = &public {
            public_addr = Some(addr_of(public, "public.addr")?);
            let config = wiring::gateway(config, node.clone(), internal_addr)?;
            gateway = Some(Gateway::new(config, link, &registry)?);
        } else {
            link.nodes.announce(gateway::about(config.roles.names()));
            unheard = Some(link.inbox);
        }
        let readiness = Readiness::new(gateway.clone(), config.drain.ready_status);
        let (door, watchdog) = (Door::new(intake), Watchdog::new(&registry)?);
        let dead = queues.as_ref().map(Queues::dead);
        let tls = serving::tls(&config.internal, &registry)?;
        let api_events = ApiEvents::new(&registry)?;
        let (front, keyring) = Front::open(&config.internal, api_events.clone());
        let router = Internal {
            gateway: gateway.as_ref().map(Gateway::api),
            tunnels: gateway.as_ref().map(Gateway::tunnels),
            door: door.clone(),
            dead: dead.clone(),
            readiness: readiness.clone(),
            watchdog: watchdog.clone(),
            numbers: Numbers::new(registry, gateway.as_ref())?,
            levels: telemetry.levels.clone(),
            public_addr,
            demo: config.demo,
            front,
        }
        .router();
        events::started(&node, config.roles, public_addr, internal_addr);
        let drain = wiring::drain(config, &bus);
        let mut running = Self::idle(readiness, door, gateway.clone(), drain);
        running.bus.spawn(async move |stop| {
            // A node counts for as long as its inbox is there.
            let _inbox = unheard;
            bus.run(stop).await;
        });
        running.internal.spawn(async move |stop| {
            serving::serve(internal, tls, router, api_events, stop).await;
            queues::close(dead).await;
        });
        running.keep(watchdog, keyring, telemetry.levels.clone());
        if let (Some(gateway), Some(public)) = (gateway, public) {
            running.sockets.spawn(async move |stop| Box::pin(gateway.run(public, stop)).await);
        }
        running.take_in(queues, config.demo);
        Ok(running)
    }

    fn idle(readiness: Readiness, door: Door, gateway: Option<Gateway>, drain: Drain) -> Self {
        Self {
            readiness,
            door,
            demo: Stage::new("demo"),
            intake: Stage::new("intake"),
            sockets: Stage::new("sockets"),
            bus: Stage::new("bus"),
            internal: Stage::new("internal port"),
            gateway,
            hurry: CancellationToken::new(),
            drain,
        }
    }

    fn keep(&mut self, watchdog: Watchdog, keyring: Option<Keyring>, levels: Levels) {
        self.internal.spawn(|stop| levels.run(stop));
        self.internal.spawn(|stop| watchdog.run(stop));
        if let Some(keyring) = keyring {
            self.internal.spawn(|stop| keyring.run(stop));
        }
    }

    fn take_in(&mut self, queues: Option<Queues>, demo: bool) {
        let Some(queues) = queues else { return };
        if demo {
            let feed = queues.feed();
            self.demo.spawn(move |stop| demo::run(feed, stop));
        }
        queues.read(&mut self.intake);
    }

    /// Runs until told to stop, or until something ends that should not.
    async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<(), RunError> {
        let failed = tokio::select! {
            biased;
            () = shutdown => None,
            stage = self.first_end() => Some(stage),
        };
        if failed.is_some() {
            self.hurry.cancel();
        } else {
            events::drain_ordered();
        }
        events::stopping(self.drain.grace, self.drain.delay);
        let drained = self.stop().await;
        match failed {
            Some(stage) => {
                events::stage_failed(stage);
                Err(RunError::StageEnded { stage })
            }
            None => drained,
        }
    }

    async fn first_end(&mut self) -> &'static str {
        tokio::select! {
            stage = self.demo.ends_early() => stage,
            stage = self.intake.ends_early() => stage,
            stage = self.sockets.ends_early() => stage,
            stage = self.bus.ends_early() => stage,
            stage = self.internal.ends_early() => stage,
        }
    }
}

async fn listen(setting: &'static str, addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { setting, addr },
        _ => StartError::Listen { setting, addr, source },
    })
}

fn addr_of(listener: &TcpListener, setting: &'static str) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|source| StartError::Listen { setting, addr: unknown, source })
}
