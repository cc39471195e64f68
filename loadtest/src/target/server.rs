//! A server process, with the two addresses it was given.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    process::ExitStatus,
};

use rustix::process::Signal;

use crate::{
    failure::Failure,
    get,
    target::{Addresses, Kind, Probe, Process, Target, process::Placing},
};

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    process: Process,
    pub(crate) at: Addresses,
}

impl Server {
    /// Starts `target`, on `redis` if it is one of several, and returns when both its ports
    /// accept and it says that it is ready, if it is of a kind that does.
    pub(crate) fn start(
        target: &Target,
        redis: Option<&str>,
        placing: Placing,
    ) -> Result<Self, Failure> {
        let server = Self::launch(target, redis, placing)?;
        server.process.listening(server.at.public)?;
        server.process.listening(server.at.publish)?;
        if target.kind == Kind::Carillon {
            server.until(|| server.is_ready())?;
        }
        Ok(server)
    }

    /// Starts `target` and does not wait for it.
    pub(crate) fn launch(
        target: &Target,
        redis: Option<&str>,
        placing: Placing,
    ) -> Result<Self, Failure> {
        let failed = |source| Failure::Start { binary: target.binary.clone(), source };
        let at = free_addresses().map_err(failed)?;
        let path = target.binary.canonicalize().map_err(failed)?;
        let process = Process::start(target.recipe(&path, at, redis), placing)?;
        Ok(Self { process, at })
    }

    /// Whether it says that it takes newcomers, as a balancer asks it.
    pub(crate) fn is_ready(&self) -> bool {
        get::text(self.at.publish, "/readyz").is_ok()
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn probe(&self) -> Probe {
        Probe::of(self.process.id())
    }

    /// The highest value of a metric over its labels, of a server that has metrics.
    pub(crate) fn metric(&self, name: &str) -> Result<Option<f64>, Failure> {
        let address = self.at.publish;
        let metrics = get::text(address, "/metrics");
        let metrics = metrics.map_err(|source| Failure::Metrics { address, source })?;
        Ok(get::highest(&metrics, name))
    }

    /// Returns when `ready`, which is asked every few milliseconds, says so.
    pub(crate) fn until(&self, ready: impl Fn() -> bool) -> Result<(), Failure> {
        self.process.answering(self.at.publish, ready)
    }

    /// Asks the server to stop and does not wait.
    pub(crate) fn tell_to_stop(&self) -> Result<(), Failure> {
        self.process.signal(Signal::TERM)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&self) -> Result<(), Failure> {
        self.process.signal(Signal::KILL)
    }

    /// How it ended, once it has.
    pub(crate) fn exit(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.process.exit()
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.process.stop()
    }
}

/// Two ports nobody listens on. Both are held until both are known, so they differ.
fn free_addresses() -> io::Result<Addresses> {
    let public = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let publish = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(Addresses { public: public.local_addr()?, publish: publish.local_addr()? })
}
