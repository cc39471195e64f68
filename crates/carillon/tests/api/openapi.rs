//! docs/openapi.json is what `OpenAPI` 3.1 asks for, and says of the port what it does: every call, and no other.

use std::{collections::BTreeSet, fs, path::Path};

use http::StatusCode;
use serde_json::Value;

use crate::{
    document::{DOCUMENT, TEXT, calls},
    harness::Api,
};

/// What only the demo shows, to people.
const PAGES: [&str; 6] =
    ["/console/{file}", "/demo", "/demo.js", "/rooms", "/rooms.js", "/style.css"];

/// Where routes are made.
const ROUTERS: [&str; 5] = [
    "../gateway/src/api.rs",
    "src/node/internal.rs",
    "src/node/page.rs",
    "src/node/dead.rs",
    "src/node/log.rs",
];

#[test]
fn the_document_is_openapi() {
    let schema: Value = serde_json::from_str(include_str!("openapi-3.1.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let faults: Vec<_> = validator.iter_errors(&DOCUMENT).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_schema_of_the_document_is_a_json_schema() {
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
}

#[test]
fn every_route_is_in_the_document_and_nothing_else_is() {
    let documented: BTreeSet<_> =
        calls().iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    let routes: BTreeSet<_> = ROUTERS.into_iter().flat_map(routes).collect();
    assert_eq!(routes, documented);
}

/// `.route("/path", method(…))`, as it is written in a source file.
fn routes(file: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    // The one path that has a name there, because it is used twice.
    let source = fs::read_to_string(file).unwrap().replace("DOWNLINK_PATH", "\"/v1/downlink\"");
    let mut routes = Vec::new();
    for route in source.split(".route(").skip(1) {
        let (path, rest) = route.trim_start().strip_prefix('"').unwrap().split_once('"').unwrap();
        let method = rest.trim_start_matches([',', ' ', '\n']).split('(').next().unwrap();
        if !PAGES.contains(&path) {
            routes.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    routes
}

#[tokio::test]
async fn the_document_is_served_as_it_is_and_to_everybody() {
    let api = Api::start_with(&[("internal.api_keys", "0123456789abcdef")]).await;
    let answer = api.get("/openapi.json").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.body(), TEXT.as_bytes());
    api.stop().await;
}
