//! The packages of a peer on Node, installed from its lock file when they are not there.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

use crate::failure::Failure;

/// Runs `npm ci` in `folder` unless that was done since its lock file changed, and says so on
/// stderr first. Who comes meanwhile waits, and finds it done.
pub(crate) fn install(folder: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::Install { folder: folder.to_owned(), source };
    let lock = File::open(folder.join("package-lock.json")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let changed = |name| fs::metadata(folder.join(name)).and_then(|it| it.modified());
    let locked: SystemTime = changed("package-lock.json").map_err(failed)?;
    if changed("node_modules/.package-lock.json").is_ok_and(|installed| installed >= locked) {
        return Ok(());
    }
    // Nobody is left to tell when stderr is gone.
    drop(writeln!(io::stderr(), "installing the Node peer: npm ci in {}", folder.display()));
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().map_err(failed)?;
    if status.success() { Ok(()) } else { Err(failed(io::Error::other(format!("npm: {status}")))) }
}
