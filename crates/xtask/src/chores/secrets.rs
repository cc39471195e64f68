//! What the processes of the tests have said, looked through for secrets: those that the tests noted, whatever bears
//! the mark that secrets of tests have, and everything in the shape of a token or a private key.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, workshop::Workshop};

#[cfg(test)]
mod tests;

/// In every key and password that a test makes up.
const MARK: &str = "-secret";
const PRIVATE_KEY: &str = "PRIVATE KEY-----";
/// The shortest part of a token that is taken for one.
const PART_LEN_MIN: usize = 8;
/// The shortest noted secret that is looked for.
const NOTED_LEN_MIN: usize = 16;

/// Where harnesses keep what is said.
pub(super) fn folder() -> Result<PathBuf, Failure> {
    let folder = Workshop::target()?.join("record");
    let failed = |source| Failure::File { path: folder.display().to_string(), source };
    fs::create_dir_all(&folder).map_err(failed)?;
    Ok(folder)
}

/// Forgets what was said in an earlier run.
pub(super) fn forget() -> Result<(), Failure> {
    let folder = folder()?;
    let failed = |source| Failure::File { path: folder.display().to_string(), source };
    fs::remove_dir_all(&folder).map_err(failed)
}

pub(super) fn run(shop: &mut Workshop) -> Result<(), Failure> {
    let told = told(&folder()?)?;
    shop.say(&format!("{} lines of {} files", told.lines, told.files));
    if told.files == 0 {
        return Err(Failure::Tree(
            "no process has said anything: run the other steps before".into(),
        ));
    }
    told.secrets.iter().take(20).for_each(|secret| shop.say(secret));
    match told.secrets.len() {
        0 => Ok(()),
        count => Err(Failure::Tree(format!("{count} lines tell a secret"))),
    }
}

#[derive(Debug, Default)]
struct Told {
    files: usize,
    lines: usize,
    /// File, line and kind; never the secret itself.
    secrets: Vec<String>,
}

fn told(folder: &Path) -> Result<Told, Failure> {
    let read = |path: &PathBuf| {
        let failed = |source| Failure::File { path: path.display().to_string(), source };
        fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(failed)
    };
    let mut noted = Vec::new();
    for path in Workshop::files_ending(folder, &[".secrets"])? {
        noted.extend(read(&path)?.lines().map(str::to_owned));
    }
    noted.retain(|secret| secret.len() >= NOTED_LEN_MIN);
    noted.sort_unstable();
    noted.dedup();
    let mut told = Told::default();
    for path in Workshop::files_ending(folder, &[".log"])? {
        told.files += 1;
        for (index, line) in read(&path)?.lines().enumerate() {
            told.lines += 1;
            let kind = kind(line, &noted);
            told.secrets
                .extend(kind.map(|kind| format!("{}:{}: {kind}", path.display(), index + 1)));
        }
    }
    Ok(told)
}

/// What kind of secret a line holds.
fn kind(line: &str, noted: &[String]) -> Option<&'static str> {
    let holds_noted = || {
        // Words are looked up, not each secret in each line: there are many of both.
        words(line).any(|word| noted.binary_search_by(|secret| secret.as_str().cmp(word)).is_ok())
    };
    if line.contains(MARK) {
        Some("a key or a password of a test")
    } else if line.contains(PRIVATE_KEY) {
        Some("a private key")
    } else if words(line).any(is_token) {
        Some("a token")
    } else if holds_noted() {
        Some("a session's id, or another secret that a test noted")
    } else {
        None
    }
}

/// Runs of the letters that tokens, ids and keys are made of.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_' | '.'))
}

/// `eyJ….….…`: two parts of base64 that are objects, and a signature.
fn is_token(word: &str) -> bool {
    let Some(at) = word.find("eyJ") else { return false };
    let parts: Vec<_> = word[at..].split('.').collect();
    parts.len() >= 3 && parts[..2].iter().all(|part| part.len() >= PART_LEN_MIN)
}
