//! Rules that let the tree stand alone: no trace of the machine it was written on, or of a mirror.

use super::{
    fault::{Fault, expect_none},
    tree::{Leaf, TREE},
};

/// Written in halves, or this file would be its own first fault.
const TRACES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("../sha", "red"),
    concat!("registry.npm", "js"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("arti", "factory"),
];

fn traces(leaf: &Leaf) -> Vec<Fault> {
    let lines = leaf.text.lines().enumerate();
    let marked = lines.filter(|(_, line)| TRACES.iter().any(|trace| line.contains(trace)));
    let advice = "this names a folder or a host that only one machine has: say it without";
    marked.map(|(index, _)| Fault::at(&leaf.path, index + 1, advice)).collect()
}

/// A lock file that names hosts sends every reader to the mirror its writer happened to use.
fn hosts(leaf: &Leaf) -> Option<Fault> {
    if leaf.ends_with(&["package-lock.json"]) {
        let index = leaf.text.lines().position(|line| line.contains("\"resolved\":"))?;
        let advice = "write it again with npm install --package-lock-only \
                      --omit-lockfile-registry-resolved";
        return Some(Fault::at(&leaf.path, index + 1, advice));
    }
    if leaf.ends_with(&["Cargo.lock"]) {
        let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        let strange = |line: &str| line.starts_with("source = ") && line != public;
        let index = leaf.text.lines().position(strange)?;
        return Some(Fault::at(&leaf.path, index + 1, "take the crate from crates.io"));
    }
    None
}

/// Where packages come from is for each machine to say, in its own settings.
fn mirrors(leaf: &Leaf) -> Option<Fault> {
    let settings = leaf.ends_with(&[".npmrc", ".cargo/config.toml"]);
    let mirror = |line: &str| {
        ["registry", "[source", "[registries", "//", "proxy"].iter().any(|it| line.starts_with(it))
    };
    let index = leaf.text.lines().position(mirror)?;
    settings.then(|| Fault::at(&leaf.path, index + 1, "keep mirrors out of the tree"))
}

#[test]
fn no_line_names_the_machine_it_was_written_on() {
    expect_none(TREE.iter().flat_map(traces));
}

#[test]
fn no_lock_file_names_a_host() {
    expect_none(TREE.iter().filter_map(hosts));
}

#[test]
fn no_setting_of_a_tool_names_a_mirror() {
    expect_none(TREE.iter().filter_map(mirrors));
}

#[test]
fn a_planted_trace_is_found() {
    let leaf = |path: &str, text: &str| Leaf { path: path.into(), text: text.into() };
    assert_eq!(traces(&leaf("a.md", &format!("see {}x\n", TRACES[0]))).len(), 1);
    assert!(traces(&leaf("a.md", "see docs/testing.md\n")).is_empty());

    let lock = "{\n  \"resolved\": \"https://example.com/a.tgz\"\n}\n";
    assert!(hosts(&leaf("b/package-lock.json", lock)).is_some());
    assert!(hosts(&leaf("Cargo.lock", "source = \"registry+https://example.com\"\n")).is_some());

    assert!(mirrors(&leaf("a/.npmrc", "registry=https://example.com\n")).is_some());
    assert!(mirrors(&leaf(".cargo/config.toml", "[alias]\n")).is_none());
}
