//! What docs/security.md says is shown by a test is shown by one that is there.

use super::{
    fault::{Fault, expect_none},
    tree::{Leaf, TREE, text_of},
};

const DOCUMENT: &str = "docs/security.md";
/// The one row that no test of the suite can show, but a chore of its own does.
const BY_CHORE: &str = "`cargo xtask audit`";

/// Threat, what stops it, and its tests.
fn cells(line: &str) -> Option<[&str; 3]> {
    let row = line.strip_prefix("| ")?.strip_suffix('|')?;
    let cells: Vec<_> = row.split(" |").map(str::trim).collect();
    let [threat, stop, tests] = cells[..] else { return None };
    (tests != "shown by").then_some([threat, stop, tests])
}

/// Whether the words after the file's name stand in a test of that name.
fn is_shown(test: &str, tree: &[Leaf]) -> bool {
    let Some((file, words)) = test.split_once(": ") else { return false };
    let file = format!("/{file}");
    let is_test = |leaf: &&Leaf| leaf.path.contains("/tests/") || leaf.path.ends_with("/tests.rs");
    tree.iter().filter(is_test).any(|leaf| leaf.path.ends_with(&file) && leaf.text.contains(words))
}

fn unshown(document: &str, tree: &[Leaf]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, line) in document.lines().enumerate() {
        let Some([threat, stop, tests]) = cells(line) else { continue };
        let mut fault = |advice: String| faults.push(Fault::at(DOCUMENT, index + 1, advice));
        if tests.is_empty() && !stop.contains(BY_CHORE) {
            fault(format!("{threat}: name the test that shows it"));
        }
        for test in tests.split('`').skip(1).step_by(2).filter(|test| !is_shown(test, tree)) {
            fault(format!("no test {test:?}: name one that is there"));
        }
    }
    faults
}

#[test]
fn every_threat_names_a_test_that_is_there() {
    let document = text_of(DOCUMENT);
    assert!(document.lines().filter_map(cells).count() > 25, "has the table's form changed?");
    expect_none(unshown(document, &TREE));
}

#[test]
fn a_planted_promise_is_found() {
    let document = "| a | b | `none.rs: nothing` |\n| c | d | |\n| e | `cargo xtask audit` | |\n";
    assert_eq!(unshown(document, &TREE).len(), 2);
}
