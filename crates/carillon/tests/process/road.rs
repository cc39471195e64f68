//! Messages in by `publish`, notices out by `listen`.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use rustix::process::Signal;
use serde_json::Value;

use super::harness::{DEADLINE, Node, Running, carillon, command, fed, taken_port, within};

#[test]
fn publish_hands_in_and_reports() {
    let node = Node::start("serve", &[]);
    let message = r#"{"identity":"a","userIdentity":5,"status":100}"#;
    let ended = fed(&["publish", "-", "--to", &node.internal], &format!("{message}\n{message}\n"));
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.out, "accepted 2 (superseded 1, after final 0), rejected 0\n");

    let ended =
        fed(&["publish", "--to", &node.internal], &format!("{message}\n{{broken\n{message}\n"));
    assert_eq!(ended.code, 1);
    assert!(ended.err.starts_with("message 1: "), "{}", ended.err);
    assert!(ended.out.contains("rejected 1"), "{}", ended.out);
}

#[test]
fn publish_cuts_a_large_input_into_calls_that_are_taken() {
    let node = Node::start("serve", &[]);
    let messages: Vec<_> = (0..25_000)
        .map(|n| format!(r#"{{"identity":"t{}","userIdentity":5,"status":100,"n":{n}}}"#, n % 3))
        .collect();
    for input in [messages.join("\n"), format!("[{}]", messages.join(",\n"))] {
        let ended = fed(&["publish", "--to", &node.internal], &input);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(ended.out.starts_with("accepted 25000 "), "{}", ended.out);
    }
}

/// Answers one request after another with these, and returns the bodies that it was sent.
fn scripted(listener: &TcpListener, answers: &[&str]) -> Vec<String> {
    let mut bodies = Vec::new();
    for answer in answers {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        bodies.push(String::from_utf8(body).unwrap());
        stream.write_all(answer.replace('\n', "\r\n").as_bytes()).unwrap();
    }
    bodies
}

#[test]
fn publish_sends_again_from_the_first_message_that_was_not_taken() {
    let (listener, addr) = taken_port();
    let node = thread::spawn(move || {
        let interrupted =
            "HTTP/1.1 503 -\nretry-after: 0\nconnection: close\n\n{\"accepted\":1,\"index\":1}";
        let taken = "HTTP/1.1 202 -\nconnection: close\n\n{\"accepted\":2}";
        scripted(&listener, &[interrupted, taken])
    });
    let ended =
        fed(&["publish", "--to", &format!("http://{addr}")], "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
    assert_eq!(
        ended.out, "accepted 3 (superseded 0, after final 0), rejected 0\n",
        "{}",
        ended.err
    );
    let bodies = within(DEADLINE, move || node.join().unwrap());
    assert!(bodies[0].contains("\"n\":0") && bodies[0].contains("\"n\":2"), "{bodies:?}");
    assert_eq!(bodies[1], "{\"n\":1}\n{\"n\":2}");
}

#[test]
fn publish_shows_the_key_from_the_environment() {
    let key = "0123456789abcdef";
    let node = Node::start("serve", &["--set", &format!("internal.api_keys={key}")]);
    let publish = |key: &str| {
        let mut command = command(&[
            "publish",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../notice/samples/progress.json"),
            "--to",
            &node.internal,
        ]);
        command.env("CARILLON_API_KEY", key).output().unwrap()
    };
    assert_eq!(publish(key).status.code(), Some(0));
    let refused = publish("fedcba9876543210");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("hint:"));
}

#[test]
fn publish_to_nobody_ends_with_1_and_to_what_is_no_node_with_64() {
    let (listener, addr) = taken_port();
    drop(listener);
    let ended = fed(&["publish", "--to", &format!("http://{addr}")], "{}");
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("hint:"), "{}", ended.err);
    let ended = carillon(&["publish", "--to", "ftp://127.0.0.1:8001"]);
    assert_eq!(ended.code, 64);
    assert!(ended.err.contains("hint: write it like"), "{}", ended.err);
}

#[test]
fn listen_prints_what_the_user_receives_a_json_line_each() {
    let node = Node::start("serve", &[]);
    let url = node.public.clone();
    let mut child = command(&["listen", "--url", &url, "--user", "5"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let listener = Running::of(child, out);
    let sample = include_str!("../../../notice/samples/complete.json");
    assert_eq!(fed(&["publish", "--to", &node.internal], sample).code, 0);
    let line: Value = serde_json::from_str(&listener.line_with("file.complete")).unwrap();
    assert_eq!(line["args"][0], serde_json::from_str::<Value>(sample).unwrap());
    listener.signal(Signal::INT);
    assert_eq!(listener.code(), 0);
}

#[test]
fn listen_ends_with_1_when_the_server_does_or_is_not_there() {
    let node = Node::start("serve", &[]);
    let mut child = command(&["listen", "--url", &node.public, "--user", "5"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let listener = Running::of(child, out);
    let sample = include_str!("../../../notice/samples/complete.json");
    assert_eq!(fed(&["publish", "--to", &node.internal], sample).code, 0);
    listener.line_with("file.complete");
    let url = node.public.clone();
    drop(node);
    assert_eq!(listener.code(), 1);
    let ended = carillon(&["listen", "--url", &url, "--user", "5"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("hint:"), "{}", ended.err);
}

#[test]
fn a_probe_hears_of_its_task_by_polling_and_by_websocket_and_says_goodbye() {
    let node = Node::start("serve", &["--set=telemetry.log=info,gateway=debug"]);
    let ended = carillon(&["probe", "--url", &node.public, "--to", &node.internal]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for transport in ["polling: the notice came", "websocket: the notice came"] {
        assert!(ended.out.contains(transport), "{}", ended.out);
    }
    for _ in 0..2 {
        let left = node.running.line_with("a socket left");
        assert!(left.contains("\"reason\":\"client\""), "{left}");
    }
}

#[test]
fn a_probe_whose_notice_goes_elsewhere_ends_with_1_and_a_hint() {
    let (node, stranger) = (Node::start("serve", &[]), Node::start("serve", &[]));
    let args = ["probe", "--url", &node.public, "--to", &stranger.internal, "--within", "300ms"];
    let ended = carillon(&args);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(ended.err.contains("share one Redis"), "{}", ended.err);
}

#[test]
fn a_probe_that_shows_no_token_is_told_what_to_give() {
    let key = "--set=auth.key=0123456789abcdef0123456789abcdef";
    let node = Node::start("serve", &["--set=auth.mode=token", key]);
    let ended = carillon(&["probe", "--url", &node.public, "--to", &node.internal]);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(ended.err.contains("CARILLON_TOKEN"), "{}", ended.err);

    let token = carillon(&["token", "--user", "carillon-probe", key]).out;
    let mut probe = command(&["probe", "--url", &node.public, "--to", &node.internal]);
    let probed = probe.env("CARILLON_TOKEN", token.trim()).output().unwrap();
    assert!(probed.status.success(), "{}", String::from_utf8_lossy(&probed.stderr));
}

#[test]
fn a_listener_shows_the_token_of_its_environment_and_is_told_to_if_it_has_none() {
    let key = "--set=auth.key=0123456789abcdef0123456789abcdef";
    let node = Node::start("serve", &["--set=auth.mode=token", key]);
    let args = ["listen", "--url", &node.public, "--user", "5"];
    let ended = carillon(&args);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(ended.err.contains("CARILLON_TOKEN"), "{}", ended.err);

    let token = carillon(&["token", "--user", "5", key]).out;
    let mut child = command(&args).env("CARILLON_TOKEN", token.trim()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let listener = Running::of(child, out);
    let message = r#"{"identity":"a","userIdentity":5,"status":100}"#;
    let published = fed(&["publish", "-", "--to", &node.internal], message);
    assert_eq!(published.code, 0, "{}", published.err);
    listener.line_with("\"file.progress\"");
}
