//! Every example of docs/openapi.json is sent to a node and answered as it says, and docs/api.md shows them.

use std::{fmt::Write as _, fs, path::Path};

use http::Method;
use serde_json::Value;
use tokio::time::{Duration, sleep, timeout};

use crate::{
    document::{Call, calls, fits, resolved},
    harness::Api,
};

const DEADLINE: Duration = Duration::from_secs(20);
const SEATED: &str = "carillon_handshakes_total{outcome=\"seated\"} ";

/// Where something is revoked, something was granted before.
const KEY: &str = "a secret of thirty-two bytes, ok!";

/// How docs/api.md begins.
const HEAD: &str = r#"# The internal API, by example

Every call of the internal port stands in [openapi.json](openapi.json), OpenAPI 3.1, which each node serves at
`/openapi.json`. Below is each of its examples and what a node answers; a test sends them all. Ids, names of
nodes and times differ. With [keys](configuration.md#keys-of-the-internal-port), send one that has the scope
named beside the call: `-H 'Authorization: Bearer <key>'`.

What is asked of one node concerns the whole cluster. Whatever is not done is answered by
`{"error":{"code","message","hint"?}}`: 400 the body is no JSON, 401 no key, 403 a key without the scope,
404 no such thing, 413 too much, 422 JSON that says nothing sensible, 429 and 503 try again after `Retry-After`.
"#;

/// What differs from node to node and from call to call.
const OWN: [&str; 6] = ["id", "node", "connected_at", "version", "headroom", "until"];

/// What is sent, and what comes of it.
struct Example {
    name: String,
    body: Option<&'static Value>,
    status: String,
    answer: Option<&'static Value>,
}

#[tokio::test]
async fn every_example_is_answered_as_the_document_says() {
    let api = Api::start().await;
    let asking = Api::start_with(&[("auth.mode", "token"), ("auth.key", KEY)]).await;
    let page =
        format!("ws://{}/ws?namespace=/notice&user=5&room=news", api.node.public_addr().unwrap());
    let _page = tokio_tungstenite::connect_async(page).await.unwrap();
    let seated = async {
        while api.metric(SEATED).await < 0.5 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, seated).await.expect("the page is seated");
    for call in calls() {
        let api = if call.path == "/v1/revocations" { &asking } else { &api };
        // A stream has no end to wait for; the console's test reads it.
        let is_endless = call.says["responses"]["200"]["content"]["text/event-stream"].is_object();
        for example in examples(&call).into_iter().filter(|_| !is_endless) {
            try_example(api, &call, &example).await;
        }
    }
    api.stop().await;
    asking.stop().await;
}

async fn try_example(api: &Api, call: &Call, example: &Example) {
    let path = call.example_path();
    let what = format!("{} {path}, {}", call.method, example.name);
    let body = example.body.map(ToString::to_string).unwrap_or_default();
    let answer = api.send(call.method.clone(), &path, &[], body).await;
    assert_eq!(answer.status().as_str(), example.status, "{what}: {:?}", answer.body());
    if let Some(documented) = example.answer {
        let answered = serde_json::from_slice(answer.body()).unwrap();
        assert!(is_like(documented, &answered), "{what}: {answered} is not like {documented}");
    }
}

/// The examples of the bodies, each with the answer of the same name; of a call without a body, that of its
/// first answer, or that it succeeds.
fn examples(call: &Call) -> Vec<Example> {
    let media = &call.says["requestBody"]["content"]["application/json"];
    if let Some(bodies) = media["examples"].as_object() {
        let example = |(name, body): (&String, &'static Value)| {
            let (status, answer) = answer_of(call, name).expect("it has an answer of its name");
            // The others show what is refused.
            if status.starts_with('2') {
                fits(&format!("{} {name}", call.path), &media["schema"], &body["value"]);
            }
            Example { name: name.clone(), body: Some(&body["value"]), status, answer: Some(answer) }
        };
        return bodies.iter().map(example).collect();
    }
    let success = call.says["responses"].as_object().unwrap().keys().next().unwrap().clone();
    let named =
        call.says["responses"][&success]["content"]["application/json"]["examples"].as_object();
    let name = named.and_then(|named| named.keys().next().cloned()).unwrap_or_default();
    let answer = answer_of(call, &name).map(|(_, answer)| answer);
    vec![Example { name, body: None, status: success, answer }]
}

fn answer_of(call: &Call, name: &str) -> Option<(String, &'static Value)> {
    let responses = call.says["responses"].as_object().unwrap();
    responses.iter().find_map(|(status, response)| {
        let media = &resolved(response)["content"]["application/json"];
        let answer = media["examples"].get(name)?.get("value")?;
        fits(&format!("{} {name}", call.path), &media["schema"], answer);
        Some((status.clone(), answer))
    })
}

/// Whether an answer is the documented one, but for what is each node's own.
fn is_like(documented: &Value, answered: &Value) -> bool {
    match (documented, answered) {
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, value): (&String, &Value)| {
                let there = other.get(key);
                there.is_some_and(|there| OWN.contains(&key.as_str()) || is_like(value, there))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.is_empty() == other.is_empty()
                && one.iter().all(|value| other.iter().any(|there| is_like(value, there)))
        }
        _ => documented == answered,
    }
}

/// What docs/api.md says: each example as a command, and the answer.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for call in calls() {
        let shown: Vec<_> = examples(&call).into_iter().filter(|it| it.answer.is_some()).collect();
        if shown.is_empty() {
            continue;
        }
        let summary = call.says["summary"].as_str().unwrap();
        let scope = &call.says["security"][0]["bearer"][0];
        let scope = scope.as_str().map(|name| format!(", scope `{name}`")).unwrap_or_default();
        writeln!(page, "\n## {summary}\n\n`{} {}`{scope}", call.method, call.path).unwrap();
        for example in shown {
            page.push_str(&shown_example(&call, &example));
        }
    }
    page
}

fn shown_example(call: &Call, example: &Example) -> String {
    let url = format!("http://127.0.0.1:8001{}", call.example_path());
    let url = if url.contains(['?', '&']) { format!("'{url}'") } else { url };
    let body = example.body.map(|body| format!(" -d '{body}'")).unwrap_or_default();
    let usual = if body.is_empty() { Method::GET } else { Method::POST };
    let method = &call.method;
    let method = if *method == usual { String::new() } else { format!("-X {method} ") };
    let (status, answer) = (&example.status, example.answer.unwrap());
    format!("\n```sh\ncurl {method}{url}{body}\n```\n\n```json\n// {status}\n{answer}\n```\n")
}

#[test]
fn the_page_of_examples_shows_those_of_the_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shown = fs::read_to_string(root.join("docs/api.md")).unwrap_or_default();
    let wanted = page();
    if shown != wanted {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("api.md");
        fs::write(&path, wanted).unwrap();
        panic!("docs/api.md is not what docs/openapi.json shows; {} is", path.display());
    }
}
