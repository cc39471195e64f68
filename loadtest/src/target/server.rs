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
    target::{Addresses, Kind, Place, Probe, Process, Target, process::Placing},
};

/// A running server. Dropped, it is killed, if it was started here.
pub(crate) struct Server {
    /// None: somebody else started it, and will end it.
    process: Option<Process>,
    pid: u32,
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
        if let Some(process) = &server.process {
            process.listening(server.at.public)?;
            process.listening(server.at.publish)?;
        }
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
        let binary = match &target.place {
            Place::Path(binary) => binary,
            Place::Running(running) => {
                return Ok(Self { process: None, pid: running.pid, at: running.at });
            }
        };
        let failed = |source| Failure::Start { binary: binary.clone(), source };
        let at = free_addresses().map_err(failed)?;
        let path = binary.canonicalize().map_err(failed)?;
        let process = Process::start(target.recipe(&path, at, redis), placing)?;
        Ok(Self { pid: process.id(), process: Some(process), at })
    }

    /// Whether it says that it takes newcomers, as a balancer asks it.
    pub(crate) fn is_ready(&self) -> bool {
        get::text(self.at.publish, "/readyz").is_ok()
    }

    pub(crate) fn id(&self) -> u32 {
        self.pid
    }

    pub(crate) fn probe(&self) -> Probe {
        Probe::of(self.pid)
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
        match &self.process {
            Some(process) => process.answering(self.at.publish, ready),
            None => Ok(()),
        }
    }

    /// Asks the server to stop and does not wait.
    pub(crate) fn tell_to_stop(&self) -> Result<(), Failure> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(Signal::TERM))
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&self) -> Result<(), Failure> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(Signal::KILL))
    }

    /// How it ended, once it has.
    pub(crate) fn exit(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.process.as_mut().map_or(Ok(None), Process::exit)
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.process.map_or(Ok(()), Process::stop)
    }
}

/// Two ports nobody listens on. Both are held until both are known, so they differ.
fn free_addresses() -> io::Result<Addresses> {
    let public = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let publish = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(Addresses { public: public.local_addr()?, publish: publish.local_addr()? })
}
