//! What docs/socketio.md rests on is there: its tests, settings and calls.

use super::{
    fault::{Fault, expect_none},
    settings,
    tree::{Leaf, TREE, text_of},
};

const DOCUMENT: &str = "docs/socketio.md";
/// What is claimed to work, and so has to be shown.
const CLAIMS: [&str; 4] = ["always", "API", "setting", "client"];
const METHODS: [&str; 3] = ["GET ", "POST ", "DELETE "];

/// The cells of a row whose last one names tests.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.strip_prefix("| ")?.strip_suffix('|')?;
    let cells: Vec<_> = row.split(" |").map(str::trim).collect();
    (cells.len() > 3 && cells.last() != Some(&"shown by")).then_some(cells)
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether `file: words` stand in a test.
fn is_shown(test: &str, tree: &[Leaf]) -> bool {
    let Some((file, words)) = test.split_once(": ") else { return false };
    let file = format!("/{file}");
    let tests = tree.iter().filter(|leaf| leaf.path.contains("/tests/"));
    tests.filter(|leaf| leaf.path.ends_with(&file)).any(|leaf| leaf.text.contains(words))
}

fn is_setting(name: &str) -> bool {
    let section = |known: &String| name.split('.').next() == known.split('.').next();
    name.contains('.') && !name.contains(['(', ' ']) && settings::names().iter().any(section)
}

fn is_served(call: &str, tree: &[Leaf]) -> bool {
    let path = call.split(' ').nth(1).unwrap_or_default();
    let route = format!("\"{path}\"");
    tree.iter().filter(|leaf| leaf.is_source()).any(|leaf| leaf.text.contains(&route))
}

fn untrue(document: &str, tree: &[Leaf]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, line) in document.lines().enumerate() {
        let Some(cells) = cells(line) else { continue };
        let (here, tests) = (cells[1], cells[cells.len() - 1]);
        let mut fault = |advice: String| faults.push(Fault::at(DOCUMENT, index + 1, advice));
        if CLAIMS.contains(&here) && tests.is_empty() {
            fault(format!("{}: name the test that shows it", cells[0]));
        }
        for test in quoted(tests).filter(|test| !is_shown(test, tree)) {
            fault(format!("no test {test:?}: name one that is there"));
        }
        for word in cells[1..cells.len() - 1].iter().flat_map(|cell| quoted(cell)) {
            let is_call = METHODS.iter().any(|method| word.starts_with(method));
            if is_call && !is_served(word, tree) {
                fault(format!("{word} is not served"));
            }
            if here != "not yet" && is_setting(word) && !settings::names().contains(word) {
                fault(format!("{word} is no setting"));
            }
        }
    }
    faults
}

#[test]
fn what_is_said_of_socketio_s_features_can_be_looked_up() {
    let document = text_of(DOCUMENT);
    assert!(document.lines().filter_map(cells).count() > 50, "has the table's form changed?");
    expect_none(untrue(document, &TREE));
}

#[test]
fn planted_untruths_are_found() {
    let document = "| a | API | `POST /v1/none` by `public.none` | `none.rs: nothing` |\n\
                    | b | client | | |\n\
                    | c | not yet | `public.none` | |\n";
    assert_eq!(untrue(document, &TREE).len(), 4);
}
