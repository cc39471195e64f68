//! How the settings become what each room is told.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use adapter::{Publisher, RedisConfig};
use gateway::Origins;
use ingest::{Intake, RedisSourceConfig};
use notice::NodeId;
use prometheus::Registry;

use crate::{
    bus::Bus,
    node::StartError,
    settings::{Config, Drain},
};

pub(super) fn intake(
    config: &Config,
    publisher: Publisher,
    registry: &Registry,
) -> Result<Intake, prometheus::Error> {
    let metrics = ingest::Metrics::new(registry)?;
    let intake = Intake::new(publisher, config.ingest.status.clone(), metrics);
    Ok(intake.traced(config.telemetry.sampling()).serving(&config.public.namespaces))
}

pub(super) fn source() -> ingest::Config {
    ingest::Config {
        queue_len_max: 10_000,
        queue_bytes_max: 32 * 1024 * 1024,
        batch_len_max: 1_000,
        held_len_max: 10_000,
        retry_first: Duration::from_millis(50),
        retry_max: Duration::from_secs(10),
        dead_letters_len_max: 1_000,
        dead_letters_bytes_max: 16 * 1024 * 1024,
    }
}

/// `redis` is where the queues are; `internal` tells this process from others on its host.
pub(super) fn redis_source(
    config: &Config,
    redis: RedisConfig,
    internal: SocketAddr,
) -> RedisSourceConfig {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let consumer = config.ingest.consumer.clone();
    RedisSourceConfig {
        redis,
        consumer: consumer.unwrap_or_else(|| format!("{host}-{}", internal.port())),
        claim_idle: config.ingest.claim_after,
        lease: config.leases.channel,
        tries_max: config.ingest.tries,
        // Behind, more is conflated of what is read together.
        batch_len_max: 2_000,
        hand_len_max: 10_000,
        hand_bytes_max: 32 * 1024 * 1024,
        channel_len_max: 10_000,
        channel_bytes_max: 16 * 1024 * 1024,
        retry_first: Duration::from_millis(50),
        retry_max: Duration::from_secs(10),
        consumer_idle: Duration::from_hours(24),
        chores_every: Duration::from_secs(1),
    }
}

/// `internal` is where the demo page really is.
pub(super) fn gateway(
    config: &Config,
    node: NodeId,
    internal: SocketAddr,
) -> Result<gateway::Config, StartError> {
    let mut origins = config.public.origins.clone();
    if config.demo {
        origins.extend(page_origins(internal));
    }
    let public = &config.public;
    Ok(gateway::Config {
        node,
        roles: config.roles.names(),
        advertised: advertised(config, internal),
        path: public.path.clone(),
        namespaces: public.namespaces.clone(),
        origins: Origins::parse(&origins)?,
        serve_client: public.serve_client.clone(),
        proxies: public.proxies.clone(),
        tls: public.tls.clone(),
        ping_interval: public.ping_interval,
        ping_timeout: public.ping_timeout,
        recovery_window: config.recovery.window,
        recovery_native: config.recovery.native,
        conformance: public.conformance,
        auth: config.auth.gate.clone(),
        auth_cookie: config.auth.cookie.clone(),
        revocation_keep: config.auth.revocation_keep,
        downlink_always_ok: config.downlink_always_ok,
        limits: config.limits,
        age_max: config.max_age,
        drain_delay: config.drain.delay,
        drain_over: config.drain.grace,
        uplink: gateway::Uplink {
            lifecycle: config.uplink.lifecycle,
            relay: config.uplink.relay.clone(),
        },
        sampling: config.telemetry.sampling(),
    })
}

/// Where the other nodes find the internal port: as told, or where it is. They speak plainly, so one that
/// asks for TLS is not found.
fn advertised(config: &Config, internal: SocketAddr) -> Option<String> {
    if config.internal.tls.is_some() {
        return None;
    }
    let here = (!internal.ip().is_unspecified()).then(|| internal.to_string());
    config.internal.advertise.clone().or(here)
}

/// Every name under which a browser on this machine may open the page.
fn page_origins(internal: SocketAddr) -> impl Iterator<Item = String> {
    let port = internal.port();
    let by_name = format!("http://localhost:{port}");
    let by_loopback = format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
    [by_name, by_loopback, format!("http://{internal}")].into_iter()
}

/// How the node stops. Where nobody else is, it waits for nobody to notice.
pub(super) fn drain(config: &Config, bus: &Bus) -> Drain {
    let delay = if bus.reaches_others() { config.drain.delay } else { Duration::ZERO };
    Drain { delay, ..config.drain }
}

/// What sockets have of the grace, from its beginning: the rest is for what closes after them.
pub(super) fn sockets_grace(grace: Duration) -> Duration {
    grace * 4 / 5
}
