//! Every metric that the code registers is explained in docs/metrics.md, and no document tells of another.

use std::collections::BTreeSet;

use super::{
    fault::{Fault, expect_none},
    tree::{Leaf, TREE, text_of},
};

const PREFIX: &str = "carillon_";
const DOCUMENT: &str = "docs/metrics.md";

/// The metric names that stand in `text` between two of `quote`.
fn names(text: &str, quote: char) -> BTreeSet<String> {
    let quoted = text.split(quote).filter(|part| part.starts_with(PREFIX));
    let name = |part: &str| {
        let end = part.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
        part[..end.unwrap_or(part.len())].to_owned()
    };
    quoted.map(name).collect()
}

fn in_code() -> BTreeSet<String> {
    let sources = TREE.iter().filter(|leaf| leaf.is_source());
    sources.flat_map(|leaf| names(&leaf.text, '"')).collect()
}

fn apart(code: &BTreeSet<String>, document: &BTreeSet<String>) -> Vec<Fault> {
    let unsaid = code.difference(document).map(|name| (name, "the code has it: add its row"));
    let untrue = document.difference(code).map(|name| (name, "no code has it: drop its row"));
    let faults = unsaid.chain(untrue);
    faults.map(|(name, advice)| Fault::of(DOCUMENT, format!("{name}: {advice}"))).collect()
}

/// What a document asks of metrics that no code has. Of a histogram it may name what Prometheus makes of one.
fn unknown(leaf: &Leaf, code: &BTreeSet<String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, line) in leaf.text.lines().enumerate() {
        let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
        for name in line.split(word).filter(|name| name.starts_with(PREFIX)) {
            let ends = ["_bucket", "_count", "_sum"];
            let whole = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            if !code.contains(name) && !code.contains(whole) {
                faults.push(Fault::at(&leaf.path, index + 1, format!("no code has {name}")));
            }
        }
    }
    faults
}

/// A name put together from parts is not found by whoever searches for it.
fn in_parts(leaf: &Leaf) -> Vec<Fault> {
    let lines = leaf.text.lines().enumerate();
    let parted = lines.filter(|(_, line)| line.contains("\"carillon_{"));
    let advice = "write the metric's name whole, so that a search finds it";
    parted.map(|(index, _)| Fault::at(&leaf.path, index + 1, advice)).collect()
}

#[test]
fn every_metric_is_named_in_one_piece() {
    expect_none(TREE.iter().filter(|leaf| leaf.is_source()).flat_map(in_parts));
}

#[test]
fn every_metric_is_explained_and_no_other() {
    let code = in_code();
    assert!(code.len() > 5, "only {code:?} were found: has the way of naming them changed?");
    expect_none(apart(&code, &names(text_of(DOCUMENT), '`')));
}

#[test]
fn every_metric_that_a_document_names_is_there() {
    let code = in_code();
    expect_none(
        TREE.iter().filter(|leaf| leaf.ends_with(&[".md"])).flat_map(|it| unknown(it, &code)),
    );
}

#[test]
fn a_planted_metric_is_found() {
    let code = names("Opts::new(\"carillon_sockets\", \"open sockets\")", '"');
    let document = names("| `carillon_queue_bytes{x}` | gauge |", '`');
    assert_eq!(code, BTreeSet::from(["carillon_sockets".to_owned()]));
    assert_eq!(document, BTreeSet::from(["carillon_queue_bytes".to_owned()]));
    assert_eq!(apart(&code, &document).len(), 2);

    let text = "rate(carillon_sockets_bucket[5m]) / carillon_socket{a=\"b\"}\n".into();
    assert_eq!(unknown(&Leaf { path: "a.md".into(), text }, &code).len(), 1);

    let text = "format!(\"carillon_{noun}_total\")\n".into();
    assert_eq!(in_parts(&Leaf { path: "a.rs".into(), text }).len(), 1);
}
