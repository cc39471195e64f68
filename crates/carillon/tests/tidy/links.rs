//! A document that points at a file, or at a section of one, is right about it.

use std::path::{Component, Path, PathBuf};

use super::{
    fault::{Fault, expect_none},
    tree::{Leaf, TREE, root},
};

/// The links of one line that lead into the tree: of `[text](target#section)`, target and section.
fn targets(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = ends.filter(|target| !target.contains("://"));
    local.map(|target| target.split_once('#').unwrap_or((target, "")))
}

/// What is wrong with a document's links, where `text` has the documents that there are, and nothing of what is not there.
fn broken(leaf: &Leaf, text: impl Fn(&Path) -> Option<String>) -> Vec<Fault> {
    let here = Path::new(&leaf.path);
    let mut faults = Vec::new();
    for (index, line) in leaf.text.lines().enumerate() {
        let mut tell = |advice| faults.push(Fault::at(&leaf.path, index + 1, advice));
        for (target, section) in targets(line) {
            let path = match target {
                "" => here.to_path_buf(),
                target => plain(&here.parent().unwrap_or(Path::new("")).join(target)),
            };
            match text(&path) {
                None => tell(format!("{target} is not there: mend the link")),
                Some(text) if section.is_empty() || has(&text, section) => {}
                Some(_) => tell(format!("{target}#{section}: there is no such heading")),
            }
        }
    }
    faults
}

/// Whether a document has that section, by the name that its heading gives it.
fn has(text: &str, section: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let name = |heading: &str| -> String {
        let kept = |letter: &char| letter.is_alphanumeric() || "-_ ".contains(*letter);
        heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect()
    };
    headings.map(|heading| name(heading).replace(' ', "-")).any(|name| name == section)
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

/// A file's text, where it has any; of a folder, or of a picture, none is needed.
fn text_at(path: &Path) -> Option<String> {
    let known = TREE.iter().find(|leaf| Path::new(&leaf.path) == path);
    known.map(|leaf| leaf.text.clone()).or_else(|| root().join(path).exists().then(String::new))
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let documents = TREE.iter().filter(|leaf| leaf.ends_with(&[".md"]));
    expect_none(documents.flat_map(|leaf| broken(leaf, text_at)));
}

#[test]
fn a_planted_broken_link_is_found() {
    let text = "## The top\n[a](../README.md#a-b) [b](gone.md) [c](https://example.com/x)\n\
        [d](#the-top) [e](#the-end) [f](../README.md#c)\n";
    let leaf = Leaf { path: "docs/a.md".into(), text: text.into() };
    let there = |path: &Path| match path.to_str() {
        Some("README.md") => Some("# A, `b`\n".to_owned()),
        Some("docs/a.md") => Some(text.to_owned()),
        _ => None,
    };
    assert_eq!(broken(&leaf, there).len(), 3);
}
