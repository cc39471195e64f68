//! The official clients against the binary: installs them by the lock file, then lets node drive.

use std::{fs, path::PathBuf};

use crate::{
    chores::{TESTS_LIMIT, cargo, secrets},
    errand::Errand,
    failure::Failure,
    toolbox,
    workshop::Workshop,
};

pub(super) const FOLDER: &str = "crates/carillon/tests/clients";

/// One reporter for all, since the default depends on whether someone is watching.
pub(super) const NODE_TEST: [&str; 2] = ["--test", "--test-reporter=spec"];

/// So many files run beside each other: their tests wait more than they work.
const AT_ONCE: &str = "--test-concurrency=3";

pub(super) const TESTS: &[&str] = &[".test.js", ".test.mjs"];
pub(super) const SOAKS: &[&str] = &[".soak.js", ".soak.mjs"];

/// The files of the suite with these endings, as seen from their folder.
pub(super) fn suite(endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let folder = Workshop::root().join(FOLDER);
    let files = Workshop::files_ending(&folder, endings)?.into_iter();
    Ok(files.filter_map(|file| Some(file.strip_prefix(&folder).ok()?.to_path_buf())).collect())
}

/// Runs these files of the suite against the binary of this tree.
pub(super) fn run(suite: &[PathBuf], shop: &mut Workshop) -> Result<(), Failure> {
    let folder = Workshop::root().join(FOLDER);
    let chromium = toolbox::CHROMIUM.fetch(shop)?;
    install(shop)?;
    cargo(&["build", "--workspace", "--bin", "carillon"]).run()?;
    Errand::bounded(TESTS_LIMIT, "node")?
        .args(NODE_TEST)
        .args([AT_ONCE])
        .args(suite)
        .folder(&folder)
        .env("CARILLON_BIN", Workshop::target()?.join("debug/carillon"))
        .env("CHROMIUM", chromium)
        .env_unsaid("TEST_RECORD", secrets::folder()?)
        .count(shop)
}

/// Brings node, and `node_modules` to what the lock file says, unless they are there already.
pub(super) fn install(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::fetch_node(shop)?;
    let folder = &Workshop::root().join(FOLDER);
    let lock = folder.join("package-lock.json");
    let failed = |source| Failure::File { path: lock.display().to_string(), source };
    let wanted = fs::read(&lock).map_err(failed)?;
    // A copy of the lock file, left where the packages are after they were all installed.
    let mark = folder.join("node_modules/.installed-lock.json");
    if fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    toolbox::NPM.fetch(shop)?;
    shop.say("installing the clients with npm: the tests connect with them");
    Errand::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .folder(folder)
        .run()?;
    fs::write(&mark, wanted).map_err(failed)
}
