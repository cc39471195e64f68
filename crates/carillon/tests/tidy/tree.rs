//! The tree as git sees it, files not yet added included, ignored ones not; and the crates as
//! cargo sees them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

/// One file of text. Pictures and the like are only names to these rules.
#[derive(Debug)]
pub(super) struct Leaf {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Leaf {
    pub(super) fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// Whether it is code that runs in the service, not in its tests.
    pub(super) fn is_source(&self) -> bool {
        let in_crate = self.path.starts_with("crates/") && !self.path.starts_with("crates/xtask/");
        let tested = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        in_crate && self.path.contains("/src/") && self.ends_with(&[".rs"]) && !tested
    }
}

pub(super) static TREE: LazyLock<Vec<Leaf>> = LazyLock::new(|| {
    let read = |path: String| {
        let bytes = fs::read(root().join(&path)).ok()?;
        String::from_utf8(bytes).ok().map(|text| Leaf { path, text })
    };
    paths().into_iter().filter_map(read).collect()
});

pub(super) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("crates/carillon is two folders deep").to_path_buf()
}

/// Every file that is in the tree, or would be after `git add`, and is really there.
pub(super) fn paths() -> Vec<String> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let list = output(Command::new("git").args(list));
    let mut paths: Vec<_> = list.split('\0').map(String::from).collect();
    paths.retain(|path| root().join(path).is_file());
    paths.sort();
    paths.dedup();
    assert!(paths.len() > 20, "git lists {} files: is this the whole tree?", paths.len());
    paths
}

/// The text of a file that has to be there.
pub(super) fn text_of(path: &str) -> &'static str {
    let leaf = TREE.iter().find(|leaf| leaf.path == path);
    leaf.map_or_else(|| panic!("{path} is missing from the tree"), |leaf| &leaf.text)
}

/// What cargo knows of the workspace: without dependencies, or with all that this host builds.
pub(super) fn metadata(more: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--offline"]).args(more);
    serde_json::from_str(&output(&mut command)).expect("cargo writes JSON")
}

/// This machine as a platform: the only one whose dependencies are sure to have been fetched.
pub(super) fn host() -> String {
    output(Command::new("rustc").args(["--print", "host-tuple"])).trim().into()
}

fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().expect("git and the toolchain are installed");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {complaint}");
    String::from_utf8(output.stdout).expect("git and the toolchain write UTF-8")
}
