//! What the processes of tests say, and the secrets that they were given or gave, kept where `cargo xtask test` looks
//! through the one for the other: in the folder that `TEST_RECORD` names. Where it names none, nothing is kept.

use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

/// Keeps one line that a process of `harness` has said.
pub(crate) fn line(harness: &str, said: &str) {
    keep(&format!("{harness}-{}.log", std::process::id()), said);
}

/// Keeps what no process may say: a session's id, a token.
pub(crate) fn secret(harness: &str, secret: &str) {
    keep(&format!("{harness}-{}.secrets", std::process::id()), secret);
}

fn keep(name: &str, text: &str) {
    let Some(folder) = std::env::var_os("TEST_RECORD").map(PathBuf::from) else { return };
    let file = OpenOptions::new().create(true).append(true).open(folder.join(name));
    // In one piece: other tests of this binary write to it as well.
    file.unwrap().write_all(format!("{text}\n").as_bytes()).unwrap();
}
