//! Rules about one file at a time: how it begins, how long it is, what it is called, what it holds.

use super::{
    fault::{Fault, expect_none},
    tree::{Leaf, TREE, paths},
};

const LINES_MAX: usize = 400;

/// Names that say nothing about what is inside.
const DRAWERS: &[&str] =
    &["mod", "util", "utils", "common", "helper", "helpers", "types", "misc", "manager", "handler"];

/// What clippy cannot see or does not know, each with what to do instead.
const LOOSE: &[(&str, &str)] = &[
    ("unbounded", "every queue has a limit: give it one, and say what happens when it is full"),
    ("mpsc::channel()", "this channel of std has no limit: use sync_channel"),
    (concat!("FIX", "ME"), "do it, or open an issue and delete the note"),
    (concat!("TO", "DO"), "do it, or open an issue and delete the note"),
    (concat!("XX", "X"), "do it, or open an issue and delete the note"),
    ("#[allow(", "write #[expect(…, reason = \"…\")], which says so when it is no longer needed"),
    ("fn test_", "a test is named as the sentence it proves"),
];

fn first_line(leaf: &Leaf) -> Option<Fault> {
    let bare = !leaf.text.starts_with("//! ");
    let advice = "begin with `//! `: what this room is, what may enter, what may not, its promise";
    (leaf.ends_with(&[".rs"]) && bare).then(|| Fault::at(&leaf.path, 1, advice))
}

fn length(leaf: &Leaf) -> Option<Fault> {
    let lines = leaf.text.lines().count();
    let long = leaf.ends_with(&[".rs"]) && lines > LINES_MAX;
    let advice =
        format!("{lines} lines, and {LINES_MAX} is the most: find the noun that can leave");
    long.then(|| Fault::of(&leaf.path, advice))
}

fn name(path: &str) -> Option<Fault> {
    let stem = |part: &str| part.split('.').next().is_some_and(|stem| DRAWERS.contains(&stem));
    let code = [".rs", ".js"].iter().any(|ending| path.ends_with(ending));
    let advice = "name it with a noun of the domain; siblings are foo.rs and foo/, never mod.rs";
    (code && path.split('/').any(stem)).then(|| Fault::of(path, advice))
}

fn loose(leaf: &Leaf) -> Vec<Fault> {
    if !leaf.ends_with(&[".rs"]) || leaf.path.contains("tests/tidy/") {
        return Vec::new();
    }
    let lines = leaf.text.lines().enumerate();
    let found = lines.flat_map(|(index, line)| {
        let hits = LOOSE.iter().filter(|(loose, _)| holds(line, loose));
        hits.map(move |(loose, advice)| {
            Fault::at(&leaf.path, index + 1, format!("{loose}: {advice}"))
        })
    });
    found.collect()
}

/// A note in capitals counts wherever it is a word of its own, anything else only in code.
fn holds(line: &str, loose: &str) -> bool {
    if loose.chars().all(|letter| letter.is_ascii_uppercase()) {
        return line.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == loose);
    }
    line.split("//").next().is_some_and(|code| code.contains(loose))
}

/// `lib.rs` holds comments, `mod` lines and one list of `pub use`; that list is the public face.
fn contents(leaf: &Leaf) -> Option<Fault> {
    let mut in_list = false;
    let stray = |line: &&str| {
        let known = ["//", "mod ", "pub use ", "#[", "#!["];
        let listed =
            in_list || line.is_empty() || known.iter().any(|begin| line.starts_with(begin));
        in_list = (in_list || line.starts_with("pub use ")) && !line.ends_with(';');
        !listed
    };
    let index = leaf.text.lines().map(str::trim).collect::<Vec<_>>().iter().position(stray)?;
    let advice = "lib.rs is a table of contents: private mods and the `pub use` list, nothing else";
    leaf.path.ends_with("src/lib.rs").then(|| Fault::at(&leaf.path, index + 1, advice))
}

#[test]
fn every_rust_file_begins_by_saying_what_it_is() {
    expect_none(TREE.iter().filter_map(first_line));
}

#[test]
fn no_file_is_longer_than_one_can_read_in_one_go() {
    expect_none(TREE.iter().filter_map(length));
}

#[test]
fn every_file_is_named_with_a_noun_of_the_domain() {
    expect_none(paths().iter().filter_map(|path| name(path)));
}

#[test]
fn no_rust_file_holds_what_has_no_limit_or_is_not_finished() {
    expect_none(TREE.iter().flat_map(loose));
}

#[test]
fn every_lib_is_a_table_of_contents() {
    expect_none(TREE.iter().filter_map(contents));
}

fn leaf(path: &str, text: &str) -> Leaf {
    Leaf { path: path.into(), text: text.into() }
}

#[test]
fn a_planted_fault_in_a_file_is_found() {
    assert!(first_line(&leaf("a.rs", "use std::fmt;\n")).is_some());
    assert!(first_line(&leaf("a.rs", "//! A room.\n")).is_none());

    assert!(length(&leaf("a.rs", &"\n".repeat(LINES_MAX + 1))).is_some());
    assert!(length(&leaf("a.rs", &"\n".repeat(LINES_MAX))).is_none());

    for bad in ["crates/a/src/mod.rs", "crates/a/src/utils.rs", "crates/a/src/common/b.rs"] {
        assert!(name(bad).is_some(), "{bad}");
    }
    assert!(name("crates/a/src/hub.rs").is_none());

    let text = format!("let x = unbounded_channel(); // {}\n", concat!("FIX", "ME"));
    assert_eq!(loose(&leaf("a.rs", &text)).len(), 2);
    assert_eq!(loose(&leaf("a.rs", "// an unbounded queue would be wrong here\n")).len(), 0);

    let fine = "//! A.\n\nmod b;\n#[cfg(test)]\nmod c;\n\npub use crate::{\n    b::B,\n};\n";
    assert!(contents(&leaf("crates/a/src/lib.rs", fine)).is_none());
    assert!(contents(&leaf("crates/a/src/lib.rs", "//! A.\npub mod b;\n")).is_some());
    assert!(contents(&leaf("crates/a/src/lib.rs", "//! A.\nfn b() {}\n")).is_some());
}
