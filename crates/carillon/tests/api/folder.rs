//! A directory of files that a test writes, gone when the test ends.

use std::{fs, path::PathBuf};

pub(crate) struct Folder(PathBuf);

impl Folder {
    /// `name` is no other test's.
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("keys-{name}-{}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Replaces the file in one step.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let new = self.0.join(".new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.0.join(file)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
