//! Runs the binary: to its end, or as a node whose words are read. Everything waits with a deadline.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::record;

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
pub(crate) const PORTS: [&str; 4] =
    ["--public-addr", "127.0.0.1:0", "--internal-addr", "127.0.0.1:0"];

/// How a command ended, and what it said.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
    command
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn carillon(args: &[&str]) -> Ended {
    fed(args, "")
}

pub(crate) fn fed(args: &[&str], input: &str) -> Ended {
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing has closed its end already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = within(DEADLINE, move || child.wait_with_output().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    // Not what it prints: `token` prints a token.
    record::line("process", &String::from_utf8_lossy(&output.stderr));
    Ended {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

pub(crate) fn within<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (done, result) = mpsc::sync_channel(1);
    thread::spawn(move || done.send(work()));
    result.recv_timeout(deadline).expect("it ends before the deadline")
}

/// A running command, cut off when the test ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: mpsc::Receiver<String>,
}

/// A running node.
pub(crate) struct Node {
    pub(crate) running: Running,
    pub(crate) public: String,
    pub(crate) internal: String,
}

impl Running {
    /// Reads what the child says on the given end, line by line.
    pub(crate) fn of(child: Child, end: impl Read + Send + 'static) -> Self {
        let (said, lines) = mpsc::sync_channel(1024);
        thread::spawn(move || {
            let lines = BufReader::new(end).lines().map_while(Result::ok);
            lines.inspect(|line| record::line("process", line)).try_for_each(|line| said.send(line))
        });
        Self { child, lines }
    }

    pub(crate) fn line_with(&self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect("it says so before the deadline");
            if line.contains(word) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn code(mut self) -> i32 {
        let mut child =
            std::mem::replace(&mut self.child, command(&["--version"]).spawn().unwrap());
        within(DEADLINE, move || child.wait().unwrap().code().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Node {
    pub(crate) fn start(command_: &str, more: &[&str]) -> Self {
        let args: Vec<_> = [command_].iter().chain(&PORTS).chain(more).copied().collect();
        let mut child = command(&args).spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let running = Running::of(child, log);
        let started: Value = serde_json::from_str(&running.line_with("node started")).unwrap();
        let addr = |name: &str| format!("http://{}", started[name].as_str().unwrap());
        Self { public: addr("public.addr"), internal: addr("internal.addr"), running }
    }
}

pub(crate) fn taken_port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}
