//! Every value of the chart is in its schema and in its README, and no other.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    fault::{Fault, expect_none},
    tree::text_of,
};

const VALUES: &str = "helm/carillon/values.yaml";
const SCHEMA: &str = "helm/carillon/values.schema.json";
const README: &str = "helm/carillon/README.md";

/// One value: its path, what it is unless it is set, and the comment above it.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    path: String,
    default: String,
    about: String,
}

/// The values of the file, which keeps to one way of writing: a key a line, two spaces a level, lists
/// and small maps within one line.
fn rows(text: &str) -> Vec<Row> {
    let (mut rows, mut path, mut about) = (Vec::new(), Vec::<&str>::new(), String::new());
    for line in text.lines() {
        let bare = line.trim_start();
        if let Some(comment) = bare.strip_prefix('#') {
            about.push(' ');
            about.push_str(comment.trim());
            continue;
        }
        let Some((key, default)) = bare.split_once(':') else {
            about.clear();
            continue;
        };
        path.truncate((line.len() - bare.len()) / 2);
        path.push(key);
        let about = std::mem::take(&mut about).trim().to_owned();
        if !default.is_empty() {
            rows.push(Row { path: path.join("."), default: default.trim().to_owned(), about });
        }
    }
    rows
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from("| value | default | what it does |\n|---|---|---|\n");
    for Row { path, default, about } in rows {
        writeln!(text, "| `{path}` | `{default}` | {about} |").expect("a String takes all");
    }
    text
}

/// Whether the schema says something of it. What Kubernetes judges by itself has no list of what it holds.
fn knows(mut schema: &Value, path: &str) -> bool {
    path.split('.').all(|key| {
        let Some(properties) = schema.get("properties") else { return true };
        schema = &properties[key];
        schema.is_object()
    })
}

fn unknown(rows: &[Row], schema: &Value) -> Vec<Fault> {
    let unknown = rows.iter().filter(|row| !knows(schema, &row.path));
    unknown.map(|row| Fault::of(SCHEMA, format!("{}: say what it may be", row.path))).collect()
}

/// An object that lists what it holds lets nothing else in; but parent charts may put their own into
/// `global`.
fn loose(path: &str, schema: &Value) -> Vec<Fault> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let mut faults = Vec::new();
    if schema["additionalProperties"] != false && path != "/global" {
        faults.push(Fault::of(SCHEMA, format!("{path}: say additionalProperties false")));
    }
    for (key, inner) in properties {
        faults.extend(loose(&format!("{path}/{key}"), inner));
    }
    faults
}

/// What the schema lists and the file does not hold; what is inside of `config` is the settings' affair.
fn absent(path: &str, schema: &Value, rows: &[Row]) -> Vec<Fault> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let mut faults = Vec::new();
    for (key, inner) in properties {
        let path = format!("{path}{key}");
        let within = format!("{path}.");
        if rows.iter().any(|row| row.path == path) {
            continue;
        }
        if rows.iter().any(|row| row.path.starts_with(&within)) {
            faults.extend(absent(&within, inner, rows));
        } else {
            faults.push(Fault::of(VALUES, format!("{path}: the schema has it, write its default")));
        }
    }
    faults
}

fn schema() -> Value {
    serde_json::from_str(text_of(SCHEMA)).expect("the schema is JSON")
}

#[test]
fn every_value_of_the_chart_is_in_its_schema_and_no_other() {
    let rows = rows(text_of(VALUES));
    assert!(rows.len() > 100, "only {} values: has the way of writing them changed?", rows.len());
    expect_none(unknown(&rows, &schema()));
    expect_none(absent("", &schema(), &rows));
    expect_none(loose("", &schema()));
}

#[test]
fn the_charts_readme_holds_every_value_as_the_file_has_it() {
    let table = table(&rows(text_of(VALUES)));
    assert!(text_of(README).contains(&table), "{README} must hold this table:\n{table}");
}

/// The version in a file of lines: `appVersion: "0.1.0"`, `version = "0.1.0"`.
fn version(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim_matches([' ', '"', ':', '=']).to_owned())
}

#[test]
fn the_chart_installs_the_version_that_this_is() {
    let chart = text_of("helm/carillon/Chart.yaml");
    let ours = version(text_of("Cargo.toml"), "version");
    assert!(ours.is_some(), "the workspace names a version");
    assert_eq!([version(chart, "version"), version(chart, "appVersion")], [ours.clone(), ours]);
}

#[test]
fn a_planted_value_is_found() {
    let rows = rows("# Of the whole file.\n\na:\n  # How\n  # many.\n  b: 1\nc: { d: 2 }\n");
    let row = |path: &str, default: &str, about: &str| Row {
        path: path.into(),
        default: default.into(),
        about: about.into(),
    };
    assert_eq!(rows, [row("a.b", "1", "How many."), row("c", "{ d: 2 }", "")]);
    let schema = serde_json::json!({ "properties": { "a": { "properties": { "e": {} } } } });
    assert_eq!(unknown(&rows, &schema).len(), 2);
    assert_eq!(absent("", &schema, &rows).len(), 1);
    assert_eq!(loose("", &schema).len(), 2);
}
