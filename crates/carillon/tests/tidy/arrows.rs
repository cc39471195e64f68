//! Who may import whom: the table of docs/architecture.md, held against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    fault::{Fault, expect_none},
    tree::{host, metadata},
};

/// Each crate of ours, and which others of ours it may import.
const OURS: &[(&str, &[&str])] = &[
    ("notice", &[]),
    ("adapter", &["notice"]),
    ("trace", &["notice"]),
    ("ingest", &["notice", "adapter", "trace"]),
    ("auth", &["notice"]),
    ("gateway", &["notice", "adapter", "auth", "trace"]),
    ("carillon", &["notice", "adapter", "ingest", "auth", "gateway", "trace"]),
    ("xtask", &[]),
    ("loadtest", &["notice"]),
];

/// Libraries with a world of their own, and the crates they may live in.
const HOMES: &[(&str, &[&str])] = &[
    ("fred", &["adapter", "ingest"]),
    ("axum", &["gateway", "carillon", "loadtest"]),
    ("engineioxide-core", &["gateway"]),
    ("socketioxide-core", &["gateway", "adapter"]),
    ("socketioxide-parser-common", &["gateway"]),
    ("socketioxide-redis", &["gateway", "adapter"]),
    ("socketioxide", &["loadtest"]),
    ("jsonwebtoken", &["auth"]),
    ("hyper-rustls", &["auth", "carillon"]),
    ("opentelemetry", &["trace", "carillon"]),
    ("tracing-opentelemetry", &["trace", "carillon"]),
    ("opentelemetry_sdk", &["carillon"]),
    ("opentelemetry-otlp", &["carillon"]),
    ("clap", &["carillon", "loadtest"]),
    ("tracing-subscriber", &["carillon", "loadtest"]),
];

/// What a crate must never have heard of, however far down.
const UNHEARD_OF: &[(&str, &[&str])] = &[
    ("notice", &["tokio", "hyper", "axum", "fred", "tungstenite", "engineioxide-core"]),
    // The road under socketioxide-redis is the adapter's, and brings that project's packets along.
    ("adapter", &["hyper", "axum", "tungstenite", "socketioxide-parser-common"]),
    ("ingest", &["hyper", "axum", "tungstenite", "socketioxide-parser-common"]),
    // It links fred by the bus, and may not name it: that is what HOMES holds.
    ("gateway", &["clap"]),
    ("carillon", &["openssl", "native-tls"]),
];

/// Name of a crate → names of what it imports, tests included.
type Imports = BTreeMap<String, BTreeSet<String>>;

fn direct(metadata: &Value) -> Imports {
    let packages = metadata["packages"].as_array().expect("a workspace has packages");
    let names = |list: &Value| list.as_array().into_iter().flatten().map(text_of_name).collect();
    packages
        .iter()
        .map(|package| (text_of_name(package), names(&package["dependencies"])))
        .collect()
}

fn text_of_name(value: &Value) -> String {
    value["name"].as_str().expect("a crate has a name").into()
}

fn strays(imports: &Imports) -> Vec<Fault> {
    let ours: BTreeSet<_> = OURS.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for (name, imported) in imports {
        let Some((_, allowed)) = OURS.iter().find(|(ours, _)| ours == name) else {
            faults.push(Fault::of(name, "a new crate: give it a line in OURS and in the code map"));
            continue;
        };
        for other in imported.iter().map(String::as_str) {
            let home = HOMES.iter().find(|(library, _)| *library == other);
            let stray = ours.contains(other) && !allowed.contains(&other);
            let homeless = home.is_some_and(|(_, homes)| !homes.contains(&name.as_str()));
            faults.extend((stray || homeless).then(|| {
                Fault::of(name, format!("it may not import {other}: see docs/architecture.md"))
            }));
        }
    }
    faults
}

/// Everything that a crate links, as cargo resolved it for this host, tests left out.
fn linked(metadata: &Value, name: &str) -> BTreeSet<String> {
    let nodes = metadata["resolve"]["nodes"].as_array().expect("cargo resolves the workspace");
    let names = names_by_id(metadata);
    let mut next: Vec<_> = names.iter().filter(|it| *it.1 == name).map(|it| *it.0).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = next.pop() {
        if found.insert(id) {
            let node = nodes.iter().find(|node| node["id"] == id).expect("every id is a node");
            next.extend(node["deps"].as_array().into_iter().flatten().filter_map(shipped));
        }
    }
    found.into_iter().map(|id| names[id].to_owned()).collect()
}

fn names_by_id(metadata: &Value) -> BTreeMap<&str, &str> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let named = packages.map(|package| (package["id"].as_str(), package["name"].as_str()));
    named.filter_map(|(id, name)| Some((id?, name?))).collect()
}

/// The id of a dependency that is not only for tests or build scripts.
fn shipped(dependency: &Value) -> Option<&str> {
    let kinds = dependency["dep_kinds"].as_array()?;
    let normal = kinds.iter().any(|kind| kind["kind"].is_null());
    normal.then(|| dependency["pkg"].as_str())?
}

#[test]
fn every_arrow_between_crates_points_the_agreed_way() {
    expect_none(strays(&direct(&metadata(&["--no-deps"]))));
}

#[test]
fn what_a_crate_must_not_know_is_nowhere_below_it() {
    let metadata = metadata(&["--filter-platform", &host()]);
    let faults = UNHEARD_OF.iter().flat_map(|(name, unheard_of)| {
        let linked = linked(&metadata, name);
        assert!(linked.contains(*name), "{name} is a crate of this workspace");
        let known = unheard_of.iter().filter(move |library| linked.contains(**library));
        known.map(move |library| {
            Fault::of(name, format!("{library} is linked: `cargo tree -p {name} -i {library}`"))
        })
    });
    expect_none(faults);
}

#[test]
fn a_planted_arrow_is_found() {
    let imports = |name: &str, others: &[&str]| {
        Imports::from([(name.into(), others.iter().map(|&other| other.into()).collect())])
    };
    assert!(strays(&imports("gateway", &["notice", "adapter", "axum"])).is_empty());
    for (name, other) in [
        ("notice", "adapter"),
        ("gateway", "ingest"),
        ("loadtest", "carillon"),
        ("gateway", "fred"),
    ] {
        assert_eq!(strays(&imports(name, &[other])).len(), 1, "{name} → {other}");
    }
    assert_eq!(strays(&imports("hallway", &[])).len(), 1);
}
