//! Keys of the internal port, as operators and those who look back meet them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::Output,
};

use rustix::process::Signal;
use serde_json::Value;

use super::harness::{Node, PORTS, Running, carillon, command};

const OPS: &str = "the-secret-of-operations";
const SHOP: &str = "the-secret-of-the-shop";
const UNKNOWN: &str = "the-secret-of-nobody";

/// A directory of keys, as Kubernetes mounts a Secret; gone when the test ends.
struct Secret(PathBuf);

impl Secret {
    fn mounted(name: &str) -> Self {
        let name = format!("secret-{name}-{}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(path.join("..data")).unwrap();
        fs::write(path.join("..data/ops"), format!("ops:admin+read:{OPS}\n")).unwrap();
        fs::write(path.join("..data/shop"), format!("# since May\nshop:publish:{SHOP}")).unwrap();
        for file in ["ops", "shop"] {
            std::os::unix::fs::symlink(format!("..data/{file}"), path.join(file)).unwrap();
        }
        Self(path)
    }

    fn flag(&self) -> String {
        format!("internal.api_key_files={}", self.0.display())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn with_key(key: &str, args: &[&str]) -> Output {
    command(args).env("CARILLON_API_KEY", key).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// The whole answer to one call.
fn call(node: &Node, key: &str, line: &str, body: &str) -> String {
    let addr = node.internal.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(addr).unwrap();
    let len = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\nx-api-key: {key}\r\ncontent-length: {len}"
    );
    write!(stream, "{head}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn audited(node: &Node) -> Value {
    serde_json::from_str(&node.running.line_with("\"target\":\"audit\"")).unwrap()
}

#[test]
fn every_order_leaves_a_line_that_says_who_gave_it() {
    let secret = Secret::mounted("audit");
    let node = Node::start("serve", &["--set", &secret.flag()]);
    let orders = [
        ("POST /v1/sockets/disconnect", r#"{"user":5}"#, "disconnect", "user 5", "done", Some(0)),
        (
            "POST /v1/sockets/disconnect",
            "{",
            "disconnect",
            "/v1/sockets/disconnect",
            "malformed",
            None,
        ),
        (
            "POST /v1/sockets/join",
            r#"{"room":"a","rooms":["b"]}"#,
            "join",
            "room a",
            "done",
            Some(0),
        ),
        (
            "POST /v1/sockets/leave",
            r#"{"user":5,"rooms":["b"]}"#,
            "leave",
            "user 5",
            "done",
            Some(0),
        ),
        ("POST /v1/revocations", r#"{"token":"7f3c"}"#, "revoke", "token 7f3c", "invalid", None),
        ("POST /v1/dead/drop", r#"{"all":true}"#, "drop", "all", "done", Some(0)),
        ("POST /v1/dead/replay", r#"{"id":"7-0"}"#, "replay", "id 7-0", "unknown_letter", None),
        ("DELETE /v1/users/5/tasks/a", "", "forget", "/v1/users/5/tasks/a", "unknown_task", None),
    ];
    for (line, body, deed, whom, outcome, count) in orders {
        call(&node, OPS, "GET /v1/sockets", "");
        call(&node, OPS, line, body);
        let said = audited(&node);
        assert_eq!((&said["key.name"], &said["deed"]), (&"ops".into(), &deed.into()), "{said}");
        assert_eq!((&said["whom"], &said["outcome"]), (&whom.into(), &outcome.into()), "{said}");
        assert_eq!(said["count"].as_u64(), count, "{said}");
        assert!(said["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{said}");
    }
}

#[test]
fn a_node_that_is_told_to_stop_leaves_a_line_that_says_so() {
    let node = Node::start("serve", &[]);
    node.running.signal(Signal::TERM);
    let said = audited(&node);
    assert_eq!((&said["key.name"], &said["deed"]), (&"signal".into(), &"drain".into()), "{said}");
}

#[test]
fn lines_of_the_audit_are_found_by_their_target_in_texts_too() {
    let text = ["serve", "--set", "telemetry.log_format=text"];
    let mut child = command(&[&text[..], &PORTS].concat()).spawn().unwrap();
    let log = child.stderr.take().unwrap();
    let running = Running::of(child, log);
    let started = running.line_with("node started");
    assert!(!started.contains("carillon::"), "{started}");
    running.signal(Signal::TERM);
    let said = running.line_with("order given");
    assert!(said.contains(" audit: order given"), "{said}");
}

#[test]
fn without_keys_the_audit_says_that_somebody_of_this_machine_asked() {
    let node = Node::start("serve", &[]);
    let dropped = carillon(&["dead", "drop", "--all", "--to", &node.internal]);
    assert_eq!(dropped.code, 0, "{}", dropped.err);
    assert_eq!(audited(&node)["key.name"], "local");
}

#[test]
fn a_command_with_a_key_for_something_else_says_which_scope_is_missing() {
    let secret = Secret::mounted("scope");
    let node = Node::start("serve", &["--set", &secret.flag()]);
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../notice/samples/progress.json");
    let at = ["--to", &node.internal];
    for (key, args, scope) in [
        (OPS, &["publish", sample][..], "publish"),
        (SHOP, &["dead", "list"], "read"),
        (SHOP, &["dead", "drop", "--all"], "admin"),
    ] {
        let refused = with_key(key, &[args, &at].concat());
        let said = said(&refused);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("needs the scope {scope}")), "{said}");
        assert!(said.contains(&format!("hint: call with another key, or add {scope}")), "{said}");
    }
    assert_eq!(with_key(SHOP, &[&["publish", sample][..], &at].concat()).status.code(), Some(0));
    assert_eq!(with_key(OPS, &[&["dead", "list"][..], &at].concat()).status.code(), Some(0));
}

#[test]
fn a_key_is_in_no_log_line_answer_metric_or_setting_shown() {
    let secret = Secret::mounted("hidden");
    let listed = "the-secret-of-the-settings";
    let setting = format!("internal.api_keys=listed:read:{listed}");
    let flags = ["--set", &secret.flag(), "--set", &setting, "--set", "telemetry.log=trace"];
    let shown =
        [&["config"][..], &["check"]].map(|args| said(&with_key(OPS, &[args, &flags].concat())));
    assert!(shown[0].contains("api_key_files"), "{}", shown[0]);
    let node = Node::start("serve", &flags);
    let mut seen = shown.concat();
    for key in [OPS, SHOP, UNKNOWN, listed] {
        for line in ["GET /v1/nodes", "POST /v1/tasks", "POST /v1/dead/drop", "GET /metrics"] {
            seen += &call(&node, key, line, r#"{"all":true}"#);
        }
        seen += &said(&with_key(key, &["dead", "list", "--to", &node.internal]));
    }
    fs::write(secret.0.join("ops"), format!("{OPS}:nonsense")).unwrap();
    seen += &node.running.line_with("cannot be read again");
    node.running.signal(Signal::TERM);
    seen.extend(node.running.lines.iter());
    assert!(seen.contains("node stopped") && seen.contains("carillon_api_refused_total"));
    for key in [OPS, SHOP, UNKNOWN, listed] {
        assert!(!seen.contains(key), "{key} was shown");
    }
}
