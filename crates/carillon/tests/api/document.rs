//! docs/openapi.json, and whether an answer is as it says.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, LazyLock, Mutex},
};

use bytes::Bytes;
use http::{Method, Response, header};
use jsonschema::Validator;
use serde_json::{Value, json};

pub(crate) const TEXT: &str = include_str!("../../../../docs/openapi.json");

pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(TEXT).unwrap());

/// One method of one path.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) says: &'static Value,
}

/// All calls, in the document's order.
pub(crate) fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, says) in methods.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            calls.push(Call { method, path: path.clone(), says });
        }
    }
    calls
}

/// What `$ref` names, or the thing itself.
pub(crate) fn resolved(thing: &'static Value) -> &'static Value {
    let Some(at) = thing.get("$ref") else { return thing };
    DOCUMENT.pointer(at.as_str().unwrap().strip_prefix('#').unwrap()).expect("it is there")
}

/// Fails unless `value` is what the schema says.
pub(crate) fn fits(what: &str, schema: &Value, value: &Value) {
    let validator = validator(schema);
    let faults: Vec<_> = validator.iter_errors(value).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{what}: {value} is not as docs/openapi.json says: {faults:#?}");
}

/// Made once: some tests look at thousands of answers.
fn validator(schema: &Value) -> Arc<Validator> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap();
    let validator = made.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        Arc::new(jsonschema::draft202012::new(&whole).unwrap())
    });
    Arc::clone(validator)
}

/// Fails unless a node may answer so.
pub(crate) fn check(method: &Method, path: &str, answer: &Response<Bytes>) {
    let status = answer.status().as_u16();
    let what = format!("{method} {path}: {status}");
    let Some(call) = calls().into_iter().find(|call| call.method == *method && call.takes(path))
    else {
        assert!(
            [401, 403, 404, 405, 413].contains(&status),
            "{what}: it is not in docs/openapi.json"
        );
        let error = json!({ "$ref": "#/components/schemas/Error" });
        return fits(&what, &error, &serde_json::from_slice(answer.body()).unwrap());
    };
    let response = call.says["responses"].get(status.to_string());
    let response = resolved(response.unwrap_or_else(|| panic!("{what}: not in docs/openapi.json")));
    for name in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
        assert!(answer.headers().contains_key(name.0.as_str()), "{what}: without {}", name.0);
    }
    let Some(content) = response.get("content") else {
        return assert!(answer.body().is_empty(), "{what}: it has a body");
    };
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap();
    let kind = kind.split(';').next().unwrap();
    let said = content.get(kind).unwrap_or_else(|| panic!("{what}: {kind} is not in the document"));
    if kind == "application/json" {
        fits(&what, &said["schema"], &serde_json::from_slice(answer.body()).unwrap());
    }
}

impl Call {
    fn takes(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap();
        let (parts, given): (Vec<_>, Vec<_>) =
            (self.path.split('/').collect(), path.split('/').collect());
        let mut pairs = parts.iter().zip(&given);
        parts.len() == given.len()
            && pairs.all(|(part, given)| part.starts_with('{') || part == given)
    }

    /// The path with the examples of its parameters.
    pub(crate) fn example_path(&self) -> String {
        let (mut path, mut query) = (self.path.clone(), String::new());
        let mut mark = '?';
        for parameter in self.says["parameters"].as_array().into_iter().flatten() {
            let parameter = resolved(parameter);
            let name = parameter["name"].as_str().unwrap();
            let Some(example) = parameter.get("example") else { continue };
            let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), &example);
            } else {
                write!(query, "{mark}{name}={example}").unwrap();
                mark = '&';
            }
        }
        path + &query
    }
}
