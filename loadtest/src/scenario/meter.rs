//! Servers, Redis and generator read together, and what each spent between two readings.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    failure::Failure,
    stats::share,
    target::{Memory, Pair, Probe, Redis, Server},
};

/// Reads all processes of a run.
pub(super) struct Meter {
    servers: Vec<Probe>,
    redis: Option<Probe>,
    own: Probe,
}

/// All of them at one moment.
pub(super) struct Reading {
    at: Instant,
    /// By server, in the order in which they were started.
    servers: Vec<Duration>,
    redis: Duration,
    own: Duration,
    pub(super) memory: Vec<Memory>,
    pub(super) redis_memory: Option<Memory>,
}

/// CPU time between two readings.
pub(super) struct Spent {
    /// How long it was between them.
    time: Duration,
    pub(super) servers: Vec<Duration>,
    pub(super) redis: Duration,
    pub(super) own: Duration,
}

impl Meter {
    pub(super) fn on(server: &Server) -> Self {
        Self::on_all(&[server], None)
    }

    pub(super) fn on_pair(pair: &Pair) -> Self {
        Self::on_all(&[&pair.a, &pair.b], Some(&pair.redis))
    }

    pub(super) fn on_all(servers: &[&Server], redis: Option<&Redis>) -> Self {
        let servers = servers.iter().map(|server| server.probe()).collect();
        Self { servers, redis: redis.map(Redis::probe), own: Probe::own() }
    }

    pub(super) fn read(&self) -> Result<Reading, Failure> {
        Ok(Reading {
            at: Instant::now(),
            servers: self.servers.iter().map(Probe::cpu).collect::<Result<_, _>>()?,
            redis: self.redis.as_ref().map_or(Ok(Duration::ZERO), Probe::cpu)?,
            own: self.own.cpu()?,
            memory: self.servers.iter().map(Probe::memory).collect::<Result<_, _>>()?,
            redis_memory: self.redis.as_ref().map(Probe::memory).transpose()?,
        })
    }
}

impl Reading {
    pub(super) fn since(&self, earlier: &Self) -> Spent {
        let servers = self.servers.iter().zip(&earlier.servers);
        Spent {
            time: self.at.saturating_duration_since(earlier.at),
            servers: servers.map(|(now, earlier)| now.saturating_sub(*earlier)).collect(),
            redis: self.redis.saturating_sub(earlier.redis),
            own: self.own.saturating_sub(earlier.own),
        }
    }

    /// Resident memory of the servers that came since `earlier`, in KiB for each of `sockets`. It
    /// may be negative.
    pub(super) fn rss_grown(&self, earlier: &Self, sockets: usize) -> f64 {
        let rss = |memory: &Memory| memory.rss_kib;
        share(self.total(rss) - earlier.total(rss), sockets as u64)
    }

    /// The same of the part that is no file's.
    pub(super) fn anonymous_grown(&self, earlier: &Self, sockets: usize) -> f64 {
        let anonymous = |memory: &Memory| memory.anonymous_kib;
        share(self.total(anonymous) - earlier.total(anonymous), sockets as u64)
    }

    /// A part of the servers' memory, in KiB.
    pub(super) fn total(&self, part: impl Fn(&Memory) -> f64) -> f64 {
        self.memory.iter().map(part).sum()
    }
}

impl Spent {
    /// Microseconds of all servers' for each of `count`.
    pub(super) fn server_micros(&self, count: usize) -> f64 {
        micros(self.servers.iter().sum(), count)
    }

    /// How busy the generator was, in % of a core. Near 100, delays are its own.
    pub(super) fn own_percent(&self) -> f64 {
        100.0 * self.own.as_secs_f64() / self.time.as_secs_f64().max(1e-3)
    }

    /// Microseconds of the generator's for each of `count`.
    pub(super) fn own_micros(&self, count: usize) -> f64 {
        micros(self.own, count)
    }
}

/// Microseconds of `spent` for each of `count`.
pub(super) fn micros(spent: Duration, count: usize) -> f64 {
    share(spent.as_secs_f64() * 1e6, count as u64)
}
