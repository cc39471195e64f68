//! What the chart's `config` takes: every setting but those that are the chart's own affair.
//!
//! Only a test asks for it, so that helm/carillon/values.schema.json cannot lag behind the table.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::settings::{
    table::{Entry, TABLE},
    value::Shape,
};

/// Set by the chart itself: addresses, files, secrets, and what differs from pod to pod.
const ITS_OWN: &[&str] = &[
    "roles",
    "public.addr",
    "public.conformance",
    "public.plaintext",
    "public.serve_client",
    "public.tls.cert",
    "public.tls.key",
    "internal.addr",
    "internal.api_key_files",
    "internal.api_keys",
    "internal.tls.cert",
    "internal.tls.client_ca",
    "internal.tls.key",
    "redis.password_file",
    "redis.tls.ca",
    "redis.tls.cert",
    "redis.tls.key",
    "redis.url",
    "ingest.consumer",
    "auth.key",
];

/// The schema of `config`, with a section in each section.
pub(super) fn schema() -> Json {
    let mut root = section();
    for entry in TABLE.iter().filter(|entry| !ITS_OWN.contains(&entry.name)) {
        let mut names: Vec<_> = entry.name.split('.').collect();
        let last = names.pop().expect("a name has a part");
        let mut within = properties(&mut root);
        for name in names {
            within = properties(within.entry(name).or_insert_with(section));
        }
        within.insert(last.to_owned(), of(entry));
    }
    root
}

/// Each setting of such a schema with what it may be: `limits.stall: {"type":"string"}`.
pub(super) fn leaves(schema: &Json) -> BTreeSet<String> {
    let Some(properties) = schema["properties"].as_object() else {
        return BTreeSet::from([format!(": {schema}")]);
    };
    let within = |(key, inner): (&String, &Json)| {
        let named = leaves(inner).into_iter().map(|leaf| {
            let dot = if leaf.starts_with(':') { "" } else { "." };
            format!("{key}{dot}{leaf}")
        });
        named.collect::<Vec<_>>()
    };
    properties.iter().flat_map(within).collect()
}

fn section() -> Json {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

fn properties(section: &mut Json) -> &mut Map<String, Json> {
    section["properties"].as_object_mut().expect("a section has properties")
}

fn of(entry: &Entry) -> Json {
    let texts = json!({ "type": "string" });
    // What has no default shows by its form what it would be.
    let like = if entry.default.is_empty() { entry.form } else { entry.default };
    match entry.shape {
        Shape::List => json!({ "type": "array", "items": texts }),
        Shape::Map => json!({ "type": "object", "additionalProperties": texts }),
        Shape::Text if like.parse::<bool>().is_ok() => json!({ "type": "boolean" }),
        // A size may be written 4MiB.
        Shape::Text if like.ends_with("iB") || entry.name.ends_with("_bytes") => {
            json!({ "type": ["integer", "string"] })
        }
        Shape::Text if like.parse::<u64>().is_ok() => json!({ "type": "integer", "minimum": 0 }),
        Shape::Text if like.parse::<f64>().is_ok() => json!({ "type": "number", "minimum": 0 }),
        Shape::Text => texts,
    }
}
