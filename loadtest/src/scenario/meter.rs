//! Server and generator read together, and what each spent between two readings.

use std::time::Duration;

use crate::{
    failure::Failure,
    stats::share,
    target::{Memory, Probe, Server},
};

/// Reads both processes.
pub(super) struct Meter {
    server: Probe,
    own: Probe,
}

/// Both processes at one moment.
pub(super) struct Reading {
    server_cpu: Duration,
    own_cpu: Duration,
    pub(super) memory: Memory,
}

/// CPU time between two readings.
pub(super) struct Spent {
    server: Duration,
    own: Duration,
}

impl Meter {
    pub(super) fn on(server: &Server) -> Self {
        Self { server: server.probe(), own: Probe::own() }
    }

    pub(super) fn read(&self) -> Result<Reading, Failure> {
        let memory = self.server.memory()?;
        Ok(Reading { server_cpu: self.server.cpu()?, own_cpu: self.own.cpu()?, memory })
    }
}

impl Reading {
    pub(super) fn since(&self, earlier: &Self) -> Spent {
        Spent {
            server: self.server_cpu.saturating_sub(earlier.server_cpu),
            own: self.own_cpu.saturating_sub(earlier.own_cpu),
        }
    }

    /// Resident memory that came since `earlier`, in KiB for each of `sockets`. It may be negative.
    pub(super) fn rss_grown(&self, earlier: &Self, sockets: usize) -> f64 {
        share(self.memory.rss_kib - earlier.memory.rss_kib, sockets as u64)
    }

    /// The same of the part that is no file's.
    pub(super) fn anonymous_grown(&self, earlier: &Self, sockets: usize) -> f64 {
        share(self.memory.anonymous_kib - earlier.memory.anonymous_kib, sockets as u64)
    }
}

impl Spent {
    /// Microseconds of the server's for each of `count`.
    pub(super) fn server_micros(&self, count: usize) -> f64 {
        share(self.server.as_secs_f64() * 1e6, count as u64)
    }

    /// Microseconds of the generator's for each of `count`.
    pub(super) fn own_micros(&self, count: usize) -> f64 {
        share(self.own.as_secs_f64() * 1e6, count as u64)
    }
}
