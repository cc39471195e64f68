//! One node as a process of its own, whose log is kept.

use std::{fs, process::Stdio, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{page::DEADLINE, record, trial::condition};

/// Stream, list and channel, each of which tells of its own trouble.
const ROADS: usize = 3;

/// A running node. It is killed with its handle.
pub(crate) struct Process {
    pub(crate) public: String,
    pub(crate) internal: String,
    child: Child,
    log: Arc<Mutex<Vec<Value>>>,
    _reading: JoinSet<()>,
}

impl Process {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = serving(settings).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut reading = JoinSet::new();
        reading.spawn(keep(child.stderr.take().unwrap(), Arc::clone(&log)));
        let mut node =
            Self { public: String::new(), internal: String::new(), child, log, _reading: reading };
        let started = node.has_said("node started").await;
        (node.public, node.internal) =
            (text(&started, "public.addr"), text(&started, "internal.addr"));
        node
    }

    /// One that cannot start, and says why. What it said.
    pub(crate) async fn refused(settings: &[(&str, &str)]) -> String {
        let ended = serving(settings).output();
        let ended = timeout(DEADLINE, ended).await.expect("it ends in time").unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        record::line("faults", &said);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        said
    }

    /// Waits until so many lines are this message, no more and no fewer.
    pub(crate) async fn has_said_times(&self, message: &str, times: usize) {
        let said = async {
            while self.said(message) < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = timeout(DEADLINE, said).await.is_ok();
        assert!(in_time && self.said(message) == times, "{message:?}: {:#?}", self.log.lock());
    }

    /// How many lines of the log are this message.
    pub(crate) fn said(&self, message: &str) -> usize {
        self.log.lock().iter().filter(|line| line["message"] == message).count()
    }

    /// Waits for the first line that is this message.
    pub(crate) async fn has_said(&self, message: &str) -> Value {
        let found = async {
            loop {
                match self.line(message) {
                    Some(line) => return line,
                    None => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let found = timeout(DEADLINE, found).await;
        found.unwrap_or_else(|_| panic!("it never said {message:?}, but {:#?}", self.log.lock()))
    }

    fn line(&self, message: &str) -> Option<Value> {
        self.log.lock().iter().find(|line| line["message"] == message).cloned()
    }

    /// Trouble with Redis was said no more often than this, and each time that it is over.
    pub(crate) async fn has_told_of_trouble(&self, times_max: usize) {
        let away = self.said("redis does not answer");
        assert!(away <= times_max, "{:#?}", self.log.lock());
        // Once at the start, and once when it is over.
        self.has_said_times("redis answers", away + 1).await;
        let begun = || {
            self.said("no messages are taken for now") + self.said("bus takes no messages for now")
        };
        let is_over = || self.said("messages are taken again") == begun();
        let in_time = timeout(DEADLINE, condition(is_over)).await.is_ok();
        assert!(in_time && begun() <= ROADS * times_max, "{:#?}", self.log.lock());
        assert_eq!(self.said("no messages are taken until this is mended"), 0);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).unwrap();
    }

    /// A figure in bytes of what the system knows of it: `VmRSS`, `VmHWM`.
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let status = format!("/proc/{}/status", self.id().as_raw_nonzero());
        let status = fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() * 1024
    }

    fn id(&self) -> Pid {
        let id = self.child.id().expect("it runs");
        Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
    }

    /// Ends it without a word.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        let ended = timeout(DEADLINE, self.child.wait()).await.expect("it stops in time");
        assert!(ended.unwrap().success(), "{:#?}", self.log.lock());
    }
}

fn serving(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
    command.arg("serve").env_clear().kill_on_drop(true);
    let own =
        [("public.addr", "127.0.0.1:0"), ("internal.addr", "127.0.0.1:0"), ("drain.delay", "0s")];
    for (name, value) in own.iter().chain(settings) {
        command.arg("--set").arg(format!("{name}={value}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Log lines are JSON where nobody watches.
async fn keep(words: ChildStderr, log: Arc<Mutex<Vec<Value>>>) {
    let mut lines = BufReader::new(words).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        record::line("faults", &line);
        let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
        log.lock().push(line);
    }
}

fn text(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap().to_owned()
}
