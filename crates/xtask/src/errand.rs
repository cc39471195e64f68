//! One program run for a chore: its words, its folder, and what came of it. No shell in between.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{failure::Failure, tally::Tally, toolbox, workshop::Workshop};

#[derive(Debug)]
pub(crate) struct Errand {
    command: Command,
    /// The command as a person would type it.
    words: String,
}

impl Errand {
    /// A program, run at the root of the tree with nothing to read.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program.as_ref());
        command.current_dir(Workshop::root()).stdin(Stdio::null());
        // Tests look for programs by themselves, and find what was found for them.
        if let Ok(path) = env::join_paths(toolbox::search_path()) {
            command.env("PATH", path);
        }
        Self { command, words: program.as_ref().to_string_lossy().into_owned() }
    }

    /// A program that is ended after `limit`, with everything it started.
    pub(crate) fn bounded(limit: Duration, program: &str) -> Result<Self, Failure> {
        let mut errand = Self::new(bounding_program()?);
        errand.command.arg("bounded").arg(limit.as_secs().to_string()).arg(program);
        errand.words = program.into();
        Ok(errand)
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        for arg in args {
            self.words.push(' ');
            self.words.push_str(&arg.as_ref().to_string_lossy());
            self.command.arg(arg);
        }
        self
    }

    /// An argument that is ours and would only puzzle whoever types the command again.
    pub(crate) fn unsaid(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.words = format!("{name}={} {}", value.as_ref().to_string_lossy(), self.words);
        self.command.env(name, value);
        self
    }

    /// The same for a variable that is ours.
    pub(crate) fn env_unsaid(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it with our own output. A bad end is a failure.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let status = self.command.status().map_err(|source| self.not_started(source))?;
        self.judge(status)
    }

    /// Runs it, passing its output on line by line and counting the tests it reports.
    pub(crate) fn count(mut self, shop: &mut Workshop) -> Result<(), Failure> {
        let spawned = self.command.stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|source| self.not_started(source))?;
        let stdout = child.stdout.take().expect("stdout was piped a line above");
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line);
            shop.tally.add(Tally::from_line(&text));
            shop.say(text.trim_end_matches('\n'));
            line.clear();
        }
        let status = child.wait().map_err(|source| self.not_started(source))?;
        self.judge(status)
    }

    /// Runs it in silence. What it says, if it is there and ends well.
    pub(crate) fn answer(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    fn not_started(&self, source: std::io::Error) -> Failure {
        Failure::Start { command: self.words.clone(), source }
    }

    fn judge(self, status: ExitStatus) -> Result<(), Failure> {
        if status.success() {
            return Ok(());
        }
        Err(Failure::Ended { command: self.words, status: status.to_string() })
    }
}

/// The line of cargo's settings that makes it run each test binary under `limit`.
pub(crate) fn bounding_setting(limit: Duration) -> Result<OsString, Failure> {
    let me = bounding_program()?;
    let runner = format!("[{:?}, \"bounded\", \"{}\"]", me.to_string_lossy(), limit.as_secs());
    Ok(format!("target.'cfg(all())'.runner = {runner}").into())
}

fn bounding_program() -> Result<OsString, Failure> {
    let me = env::current_exe();
    me.map(OsString::from).map_err(|source| Failure::File { path: "this program".into(), source })
}
