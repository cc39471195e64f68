//! Where a chore is done: the root of the tree, the place for words, and the count so far.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, tally::Tally};

pub(crate) struct Workshop {
    pub(crate) tally: Tally,
    /// How often a soak runs the suite; other chores do not look.
    pub(crate) rounds: u32,
    /// How long each fuzz target runs, or a run of chaos; other chores do not look.
    pub(crate) seconds: Option<u32>,
    /// What happens in a run of chaos; other chores do not look.
    pub(crate) seed: Option<u32>,
    out: Box<dyn Write>,
}

impl Workshop {
    pub(crate) fn open(out: Box<dyn Write>) -> Self {
        Self { tally: Tally::default(), rounds: 1, seconds: None, seed: None, out }
    }

    /// The workspace, which is where this crate was built: two folders above its own.
    pub(crate) fn root() -> PathBuf {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().nth(2).expect("crates/xtask is two folders deep").to_path_buf()
    }

    /// Where cargo builds: this program lies in it as `debug/xtask`, whatever it is called.
    pub(crate) fn target() -> Result<PathBuf, Failure> {
        let me = env::current_exe()
            .map_err(|source| Failure::File { path: "this program".into(), source })?;
        match me.ancestors().nth(2) {
            Some(target) => Ok(target.to_path_buf()),
            None => Err(Failure::Tree(format!("{} is in no target folder", me.display()))),
        }
    }

    /// Says one thing. A reader who has gone is no reason to stop.
    pub(crate) fn say(&mut self, text: &str) {
        self.out.write_all(format!("{text}\n").as_bytes()).ok();
        self.out.flush().ok();
    }

    /// The files under `folder` whose names end so, in order; none if there is no such folder.
    /// Installed packages are not looked at.
    pub(crate) fn files_ending(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        folders.retain(|folder| folder.is_dir());
        while let Some(folder) = folders.pop() {
            let failed = |source| Failure::File { path: folder.display().to_string(), source };
            let mut paths = Vec::new();
            for entry in fs::read_dir(&folder).map_err(failed)? {
                paths.push(entry.map_err(failed)?.path());
            }
            let (inner, files): (Vec<_>, Vec<_>) =
                paths.into_iter().partition(|path| path.is_dir());
            folders.extend(inner.into_iter().filter(|folder| !folder.ends_with("node_modules")));
            let wanted = |file: &PathBuf| {
                let name = file.to_string_lossy();
                endings.iter().any(|ending| name.ends_with(ending))
            };
            found.extend(files.into_iter().filter(wanted));
        }
        found.sort();
        Ok(found)
    }
}
