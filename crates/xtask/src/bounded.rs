//! A program with an end: run as it is, and killed with everything it started when its time is up.

use std::{
    fs,
    io::Write,
    process::{Child, Command, ExitCode, ExitStatus},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::failure::Failure;

#[cfg(test)]
mod tests;

/// What `timeout(1)` answers, too.
const HUNG: u8 = 124;

/// Runs the program with our own input and output, for at most `limit`.
pub(crate) fn run(limit: Duration, program: &str, args: &[String]) -> Result<ExitCode, Failure> {
    let spawned = Command::new(program).args(args).spawn();
    let child = spawned.map_err(|source| Failure::Start { command: program.into(), source })?;
    let id = child.id();
    if let Some(status) = wait_at_most(limit, child) {
        return Ok(code_of(status));
    }
    let seconds = limit.as_secs();
    let words =
        format!("\n{program} still ran after {seconds} s and was ended: a test in it hangs\n");
    std::io::stderr().write_all(words.as_bytes()).ok();
    kill(&family(id));
    Ok(ExitCode::from(HUNG))
}

/// How it ended, or nothing when it has not.
fn wait_at_most(limit: Duration, mut child: Child) -> Option<ExitStatus> {
    let (said, heard) = mpsc::sync_channel(1);
    thread::spawn(move || said.send(child.wait()));
    heard.recv_timeout(limit).ok().and_then(Result::ok)
}

/// The process and all below it, eldest first.
fn family(eldest: u32) -> Vec<u32> {
    let parents = parents();
    let mut family = vec![eldest];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        next += 1;
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| id));
    }
    family
}

/// Every process with its parent, as `/proc/ID/stat` tells: `ID (name) state parent …`.
fn parents() -> Vec<(u32, u32)> {
    let mut parents = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = process.file_name().to_string_lossy().parse();
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // The name may hold spaces and brackets, so what follows the last bracket counts.
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        if let (Ok(id), Some(parent)) = (id, parent) {
            parents.push((id, parent));
        }
    }
    parents
}

/// Ends them by force. One that has gone meanwhile is as good as killed.
fn kill(ids: &[u32]) {
    Command::new("kill").arg("-KILL").args(ids.iter().map(u32::to_string)).status().ok();
}

fn code_of(status: ExitStatus) -> ExitCode {
    // No code means a signal ended it.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
