//! A process of ours: started on its core, waited for, and stopped whatever happens.

use std::{
    ffi::OsString,
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
};
use tokio::time::Instant;

use crate::failure::Failure;

/// How long a process may take to listen, and then to stop. Past it the run fails.
const START_WAIT: Duration = Duration::from_secs(10);
const STOP_WAIT: Duration = Duration::from_secs(40);
const START_STEP: Duration = Duration::from_millis(20);

/// What is started.
pub(crate) struct Recipe {
    /// As failures call it.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// Where the processes of a run are put, and whether they are heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placing {
    pub(crate) core: Option<usize>,
    pub(crate) output: bool,
}

/// A running process. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    /// Readable once the process has ended, so ending can be waited for with a limit.
    pidfd: OwnedFd,
    name: String,
}

impl Process {
    /// Starts it. It dies with this process.
    pub(crate) fn start(recipe: Recipe, placing: Placing) -> Result<Self, Failure> {
        let failed = |source| Failure::Start { binary: recipe.program.clone(), source };
        let child = command(&recipe, placing).spawn().map_err(failed)?;
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| failed(error.into()))?;
        Ok(Self { child, pidfd, name: recipe.name })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Signals the process and does not wait.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).map_err(|error| Failure::Wait(error.into()))
    }

    /// How it ended, once it has.
    pub(crate) fn exit(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.child.try_wait().map_err(Failure::Wait)
    }

    /// Asks the process to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        self.signal(Signal::TERM)?;
        if !self.ended_within(STOP_WAIT)? {
            let target = self.name.clone();
            return Err(Failure::NotStopping { target, waited: STOP_WAIT });
        }
        self.child.wait().map_err(Failure::Wait).map(drop)
    }

    /// Returns when `address` accepts.
    pub(crate) fn listening(&self, address: SocketAddr) -> Result<(), Failure> {
        self.answering(address, || TcpStream::connect(address).is_ok())
    }

    /// Returns when `ready`, which is asked every few milliseconds, says so of `address`.
    pub(crate) fn answering(
        &self,
        address: SocketAddr,
        ready: impl Fn() -> bool,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + START_WAIT;
        let target = || self.name.clone();
        while !ready() {
            if self.ended_within(START_STEP)? {
                return Err(Failure::EndedEarly { target: target() });
            }
            if Instant::now() > deadline {
                let waited = START_WAIT;
                return Err(Failure::NotListening { target: target(), address, waited });
            }
        }
        Ok(())
    }

    fn ended_within(&self, wait: Duration) -> Result<bool, Failure> {
        let limit = Timespec::try_from(wait).expect("the waits above are seconds");
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut ended, Some(&limit))
            .map(|ready| ready > 0)
            .map_err(|error| Failure::Wait(error.into()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After `stop` both are no-ops; otherwise an error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `setpriv` ties the process's life to ours, `taskset` its threads to a core; each then becomes
/// the next by exec, so the process id is the program's.
fn command(recipe: &Recipe, placing: Placing) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    if let Some(core) = placing.core {
        command.args(["taskset", "--cpu-list", &core.to_string()]);
    }
    command.arg(&recipe.program).args(&recipe.arguments);
    command.envs(recipe.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(if placing.output { Stdio::inherit() } else { Stdio::null() });
    command
}
