//! Every setting of the one table is explained in docs/configuration.md, and no other is.

use std::collections::BTreeSet;

use super::{
    fault::{Fault, expect_none},
    tree::text_of,
};

const TABLE: &str = "crates/carillon/src/settings/table.rs";
const DOCUMENT: &str = "docs/configuration.md";

/// The names of all settings.
pub(super) fn names() -> BTreeSet<String> {
    in_table(text_of(TABLE))
}

/// The names in the table: the first text of every entry, `text("public.addr", …`.
fn in_table(text: &str) -> BTreeSet<String> {
    let entries = text.split("text(").skip(1).map(str::trim_start);
    let names = entries.filter_map(|entry| entry.strip_prefix('"')?.split('"').next());
    names.map(String::from).collect()
}

/// The names in the document: the first cell of a row, in backquotes.
fn in_document(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(String::from).collect()
}

fn apart(table: &BTreeSet<String>, document: &BTreeSet<String>) -> Vec<Fault> {
    let unsaid = table.difference(document).map(|name| (name, "the table has it: add its row"));
    let untrue = document.difference(table).map(|name| (name, "no such setting: drop its row"));
    let faults = unsaid.chain(untrue);
    faults.map(|(name, advice)| Fault::of(DOCUMENT, format!("{name}: {advice}"))).collect()
}

#[test]
fn every_setting_is_explained_and_no_other() {
    let table = in_table(text_of(TABLE));
    assert!(table.len() > 20, "only {table:?} were found: has the way of writing them changed?");
    expect_none(apart(&table, &in_document(text_of(DOCUMENT))));
}

#[test]
fn a_planted_setting_is_found() {
    let table =
        in_table("const fn text(\n    name: T) {}\ntext(\n    \"public.addr\", \"x\").list()");
    let document = in_document("| setting | default |\n| `public.adr` | `x` |\n");
    assert_eq!(table, BTreeSet::from(["public.addr".to_owned()]));
    assert_eq!(apart(&table, &document).len(), 2);
}
