//! Rules about the tree as a whole: what stands at the top, and what every manifest says.

use std::collections::BTreeSet;

use super::{
    fault::{Fault, expect_none},
    tree::{Leaf, TREE, metadata, paths, text_of},
};

/// All that a visitor sees first. Tool settings go into dot-files.
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "crates",
    "deploy",
    "docker-compose.yml",
    "docs",
    "fuzz",
    "helm",
    "loadtest",
    "rust-toolchain.toml",
];

fn top(path: &str) -> Option<Fault> {
    let first = path.split('/').next().unwrap_or_default();
    let advice = format!("the top level is {}, and dot-files", TOP.join(", "));
    (!first.starts_with('.') && !TOP.contains(&first)).then(|| Fault::of(first, advice))
}

/// Those of the workspace: the fuzz targets are none of it, so that they may be built with flags of their own.
fn manifests() -> impl Iterator<Item = &'static Leaf> {
    let is_one = |leaf: &&Leaf| leaf.path.ends_with("/Cargo.toml");
    TREE.iter().filter(is_one).filter(|leaf| leaf.path != "fuzz/Cargo.toml")
}

/// The lints of the workspace are worth nothing to a crate that does not ask for them.
fn lints(path: &str, text: &str) -> Option<Fault> {
    let asks = text.contains("\n[lints]\nworkspace = true\n");
    (!asks).then(|| Fault::of(path, "add [lints] workspace = true"))
}

/// A version written in a crate drifts from its neighbour's.
fn versions(path: &str, text: &str) -> Vec<Fault> {
    let advice = "write the version in the root manifest, default features off, and `workspace = \
                  true` here";
    let stray = |line: &str| line.contains('=') && !line.contains("workspace = true");
    dependency_lines(text)
        .filter(|(_, line)| stray(line))
        .map(|(number, _)| Fault::at(path, number, advice))
        .collect()
}

fn defaults(path: &str, text: &str) -> Vec<Fault> {
    let stray = |line: &str| {
        line.contains('=') && !line.contains("default-features = false") && !line.contains("path =")
    };
    dependency_lines(text)
        .filter(|(_, line)| stray(line))
        .map(|(number, _)| Fault::at(path, number, "say default-features = false"))
        .collect()
}

/// The lines, with their numbers, of every table of dependencies in a manifest.
fn dependency_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    let lines = text.lines().enumerate();
    lines.filter_map(move |(index, line)| {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
            return None;
        }
        (inside && !line.starts_with('#')).then_some((index + 1, line))
    })
}

#[test]
fn the_top_level_is_the_list_that_was_agreed() {
    let tops: BTreeSet<_> = paths().into_iter().map(|path| top_of(&path)).collect();
    expect_none(tops.iter().filter_map(|path| top(path)));
}

fn top_of(path: &str) -> String {
    path.split('/').next().unwrap_or_default().into()
}

#[test]
fn every_crate_asks_for_the_lints_of_the_workspace() {
    expect_none(manifests().filter_map(|leaf| lints(&leaf.path, &leaf.text)));
}

#[test]
fn every_crate_says_in_one_sentence_what_it_is_for() {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().expect("a workspace has packages");
    let silent = packages
        .iter()
        .filter(|package| !package["description"].as_str().is_some_and(|text| text.ends_with('.')));
    let named = silent.map(|package| package["name"].as_str().unwrap_or_default());
    expect_none(named.map(|name| Fault::of(name, "its manifest needs a description, a sentence")));
}

#[test]
fn versions_and_default_features_are_settled_in_one_place() {
    expect_none(manifests().flat_map(|leaf| versions(&leaf.path, &leaf.text)));
    expect_none(defaults("Cargo.toml", text_of("Cargo.toml")));
}

#[test]
fn a_planted_fault_in_the_layout_is_found() {
    assert!(top("scripts/run.sh").is_some());
    assert!(top("docs/testing.md").is_none());
    assert!(top(".ci/run").is_none());

    assert!(lints("Cargo.toml", "[package]\nname = \"a\"\n").is_some());
    assert!(lints("Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n").is_none());

    let manifest = "[package]\nname = \"a\"\n\n[dev-dependencies]\nb = \"1\"\nc.workspace = true\n";
    assert_eq!(versions("Cargo.toml", manifest).len(), 1);
    assert_eq!(defaults("Cargo.toml", "[workspace.dependencies]\nb = \"1\"\n").len(), 1);
}
