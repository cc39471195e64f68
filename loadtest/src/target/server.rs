//! A server process of ours: started on its core, waited for, and stopped whatever happens.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use tokio::time::Instant;

use crate::{
    failure::Failure,
    target::{Addresses, Kind, Probe, Target},
};

/// How long a server may take to listen, and then to stop. Past it the run fails.
const START_WAIT: Duration = Duration::from_secs(10);
const STOP_WAIT: Duration = Duration::from_secs(40);
const START_STEP: Duration = Duration::from_millis(20);

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    /// Readable once the process has ended, so ending can be waited for with a limit.
    pidfd: OwnedFd,
    pub(crate) target: Target,
    pub(crate) at: Addresses,
}

impl Server {
    /// Starts `target` and returns when both its ports accept. It dies with this process.
    pub(crate) fn start(
        target: &Target,
        core: Option<usize>,
        output: bool,
    ) -> Result<Self, Failure> {
        let failed = |source| Failure::Start { binary: target.binary.clone(), source };
        let at = free_addresses().map_err(failed)?;
        let binary = target.binary.canonicalize().map_err(failed)?;
        let child = command(target.kind, &binary, core, output, at).spawn().map_err(failed)?;
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| failed(error.into()))?;
        let server = Self { child, pidfd, target: target.clone(), at };
        server.listening(at.public)?;
        server.listening(at.publish)?;
        Ok(server)
    }

    pub(crate) fn probe(&self) -> Probe {
        Probe::of(self.child.id())
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).map_err(|error| Failure::Wait(error.into()))?;
        let ended = self.ended_within(STOP_WAIT).map_err(Failure::Wait)?;
        if !ended {
            let target = self.target.name.clone();
            return Err(Failure::NotStopping { target, waited: STOP_WAIT });
        }
        self.child.wait().map_err(Failure::Wait).map(drop)
    }

    fn listening(&self, address: SocketAddr) -> Result<(), Failure> {
        let deadline = Instant::now() + START_WAIT;
        let target = || self.target.name.clone();
        while TcpStream::connect(address).is_err() {
            if self.ended_within(START_STEP).map_err(Failure::Wait)? {
                return Err(Failure::EndedEarly { target: target() });
            }
            if Instant::now() > deadline {
                return Err(Failure::NotListening {
                    target: target(),
                    address,
                    waited: START_WAIT,
                });
            }
        }
        Ok(())
    }

    fn ended_within(&self, wait: Duration) -> io::Result<bool> {
        let limit = Timespec::try_from(wait).expect("the waits above are seconds");
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        Ok(poll(&mut ended, Some(&limit))? > 0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` both are no-ops; otherwise an error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `setpriv` ties the server's life to ours, `taskset` its threads to a core; each then becomes
/// the next by exec, so the process id is the server's.
fn command(kind: Kind, binary: &Path, core: Option<usize>, output: bool, at: Addresses) -> Command {
    let (arguments, environment) = kind.start(at);
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    if let Some(core) = core {
        command.args(["taskset", "--cpu-list", &core.to_string()]);
    }
    command.arg(binary).args(arguments).envs(environment);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(if output { Stdio::inherit() } else { Stdio::null() });
    command
}

/// Two ports nobody listens on. Both are held until both are known, so they differ.
fn free_addresses() -> io::Result<Addresses> {
    let public = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let publish = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(Addresses { public: public.local_addr()?, publish: publish.local_addr()? })
}
