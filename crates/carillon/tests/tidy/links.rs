//! A document that points at a file is right about it.

use std::path::{Component, Path, PathBuf};

use super::{
    fault::{Fault, expect_none},
    tree::{Leaf, TREE, root},
};

/// The links of one line that lead into the tree: `[text](target)`, without its `#section`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = ends.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local.filter_map(|target| target.split('#').next())
}

fn broken(leaf: &Leaf, exists: impl Fn(&Path) -> bool) -> Vec<Fault> {
    let folder = Path::new(&leaf.path).parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for (index, line) in leaf.text.lines().enumerate() {
        let lost = targets(line).filter(|target| !exists(&plain(&folder.join(target))));
        faults.extend(lost.map(|target| {
            Fault::at(&leaf.path, index + 1, format!("{target} is not there: mend the link"))
        }));
    }
    faults
}

/// The same path with every `..` taken.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let documents = TREE.iter().filter(|leaf| leaf.ends_with(&[".md"]));
    expect_none(documents.flat_map(|leaf| broken(leaf, |path| root().join(path).exists())));
}

#[test]
fn a_planted_broken_link_is_found() {
    let text = "[a](../README.md#top) [b](gone.md) [c](https://example.com/x)\n";
    let leaf = Leaf { path: "docs/a.md".into(), text: text.into() };
    assert_eq!(broken(&leaf, |path| path == Path::new("README.md")).len(), 1);
}
