//! The binary as a person and a supervisor meet it: exit codes, words, signals.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(20);
const PORTS: [&str; 4] = ["--public-addr", "127.0.0.1:0", "--internal-addr", "127.0.0.1:0"];

/// How a command ended, and what it said.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
    command
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn carillon(args: &[&str]) -> Ended {
    fed(args, "")
}

fn fed(args: &[&str], input: &str) -> Ended {
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing has closed its end already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = within(DEADLINE, move || child.wait_with_output().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn within<T: Send + 'static>(deadline: Duration, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::sync_channel(1);
    thread::spawn(move || done.send(work()));
    result.recv_timeout(deadline).expect("it ends before the deadline")
}

/// A running command, cut off when the test ends.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

/// A running node.
struct Node {
    running: Running,
    public: String,
    internal: String,
}

impl Running {
    /// Reads what the child says on the given end, line by line.
    fn of(child: Child, end: impl Read + Send + 'static) -> Self {
        let (said, lines) = mpsc::sync_channel(1024);
        thread::spawn(move || {
            BufReader::new(end).lines().map_while(Result::ok).try_for_each(|line| said.send(line))
        });
        Self { child, lines }
    }

    fn line_with(&self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect("it says so before the deadline");
            if line.contains(word) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn code(mut self) -> i32 {
        let mut child =
            std::mem::replace(&mut self.child, command(&["--version"]).spawn().unwrap());
        within(DEADLINE, move || child.wait().unwrap().code().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Node {
    fn start(command_: &str, more: &[&str]) -> Self {
        let args: Vec<_> = [command_].iter().chain(&PORTS).chain(more).copied().collect();
        let mut child = command(&args).spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let running = Running::of(child, log);
        let started: Value = serde_json::from_str(&running.line_with("node started")).unwrap();
        let addr = |name: &str| format!("http://{}", started[name].as_str().unwrap());
        Self { public: addr("public.addr"), internal: addr("internal.addr"), running }
    }
}

fn taken_port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

#[test]
fn right_settings_are_right() {
    let ended = carillon(&["check"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "the settings are right\n"));
}

#[test]
fn check_tells_every_mistake_with_a_form_that_would_do_and_ends_with_64() {
    let ended = carillon(&[
        "check",
        "--set",
        "public.adr=x",
        "--public-addr",
        "localhost",
        "--set",
        "drain.grace=soon",
    ]);
    assert_eq!(ended.code, 64);
    for told in [
        "3 mistakes",
        "public.adr = x (flag --set)",
        "did you mean public.addr?",
        "(flag --public-addr)",
        "127.0.0.1:8000",
        "drain.grace",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert_eq!(ended.err.matches("hint:").count(), 3);
}

#[test]
fn serve_with_wrong_settings_ends_with_64_before_it_listens() {
    let ended = carillon(&["serve", "--public-addr", "0.0.0.0:0"]);
    assert_eq!(ended.code, 64);
    assert!(ended.err.contains("auth.allow_anonymous") && ended.err.contains("public.plaintext"));
}

#[test]
fn wrong_arguments_end_with_64() {
    for args in [
        &["--no-such"][..],
        &["serv"],
        &["check", "--set", "public.addr"],
        &["publish"],
        &["listen"],
    ] {
        assert_eq!(carillon(args).code, 64, "{args:?}");
    }
}

#[test]
fn help_teaches_with_examples_and_tells_of_every_setting() {
    let ended = carillon(&["--help"]);
    assert_eq!(ended.code, 0);
    assert!(ended.out.contains("carillon demo") && ended.out.contains("Examples:"));
    let serve = carillon(&["serve", "--help"]).out;
    for name in ["public.addr", "limits.stall", "recovery.keep_age", "CARILLON_PUBLIC__ADDR"] {
        assert!(serve.contains(name), "{name}");
    }
}

#[test]
fn config_shows_where_each_setting_came_from_and_no_secret() {
    let key = "0123456789abcdef";
    let mut command = command(&["config", "--public-addr", "127.0.0.1:9000"]);
    let output = command.env("CARILLON_INTERNAL__API_KEYS", key).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("addr = \"127.0.0.1:9000\"  # flag --public-addr"), "{out}");
    assert!(
        out.contains("# environment CARILLON_INTERNAL__API_KEYS") && !out.contains(key),
        "{out}"
    );
}

#[test]
fn explain_says_what_becomes_of_each_message() {
    let sample = include_str!("../../notice/samples/error.json");
    let ended = fed(&["explain"], sample);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.starts_with("0: file.error to user:5@/notice: the end of task copy_"),
        "{}",
        ended.out
    );

    let ended =
        fed(&["explain", "-"], "{\"identity\":\"a\",\"userIdentity\":5,\"status\":100}\n{broken\n");
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.contains("0: file.progress") && ended.out.contains("1: refused (json)"),
        "{}",
        ended.out
    );
}

#[test]
fn explain_knows_the_status_numbers_of_the_settings() {
    let message = r#"{"identity":"a","userIdentity":5,"status":200}"#;
    assert_eq!(fed(&["explain"], message).code, 1);
    let ended = fed(&["explain", "--set", "ingest.status=200=file.queued"], message);
    assert!(ended.out.contains("file.queued"), "{}", ended.out);
}

#[test]
fn a_taken_port_ends_with_1_and_a_hint_that_names_the_flag() {
    let (_listener, addr) = taken_port();
    let addr = addr.to_string();
    for flag in ["--public-addr", "--internal-addr"] {
        let other = if flag == "--public-addr" { "--internal-addr" } else { "--public-addr" };
        let ended = carillon(&["serve", flag, &addr, other, "127.0.0.1:0"]);
        assert_eq!(ended.code, 1);
        assert!(ended.err.contains(&format!("address in use: {addr}")), "{}", ended.err);
        assert!(
            ended.err.contains(&format!("listens on {addr}; choose another with {flag}")),
            "{}",
            ended.err
        );
    }
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let (_listener, addr) = taken_port();
    let addr = addr.to_string();
    let ended = carillon(&["doctor", "--public-addr", &addr, "--internal-addr", "127.0.0.1:0"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.contains("bad   public port") && ended.out.contains("hint: stop it"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("good  internal port"), "{}", ended.out);
    let ended = carillon(&[&["doctor"][..], &PORTS].concat());
    assert_eq!(ended.code, 0, "{}", ended.out);
}

#[test]
fn a_node_that_is_told_to_stop_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let node = Node::start("serve", &[]);
        node.running.signal(signal);
        node.running.line_with("node stopped");
        assert_eq!(node.running.code(), 0);
    }
}

#[test]
fn no_command_serves() {
    let mut child = command(&PORTS).spawn().unwrap();
    let log = child.stderr.take().unwrap();
    let running = Running::of(child, log);
    running.line_with("node started");
    running.signal(Signal::TERM);
    assert_eq!(running.code(), 0);
}

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
fn publish_to_nobody_ends_with_1_and_to_redis_with_64() {
    let (listener, addr) = taken_port();
    drop(listener);
    let ended = fed(&["publish", "--to", &format!("http://{addr}")], "{}");
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("hint:"), "{}", ended.err);
    let ended = carillon(&["publish", "--to", "redis://127.0.0.1:6379"]);
    assert_eq!(ended.code, 64);
    assert!(ended.err.contains("not in this version"), "{}", ended.err);
}

#[test]
fn listen_prints_what_the_user_receives_a_json_line_each() {
    let node = Node::start("serve", &[]);
    let url = node.public.clone();
    let mut child = command(&["listen", "--url", &url, "--user", "5"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let listener = Running::of(child, out);
    let sample = include_str!("../../notice/samples/complete.json");
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
    let sample = include_str!("../../notice/samples/complete.json");
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
fn demo_serves_its_page_and_works_for_user_5() {
    let mut child = command(&[&["demo"][..], &PORTS].concat()).spawn().unwrap();
    let (out, log) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let demo = Running::of(child, out);
    let line = demo.line_with("The page: http://127.0.0.1:");
    assert!(line.contains("/ "), "{line}");
    let log = Running::of(command(&["--version"]).spawn().unwrap(), log);
    let started: Value = serde_json::from_str(&log.line_with("node started")).unwrap();
    let url = format!("http://{}", started["public.addr"].as_str().unwrap());
    let mut child = command(&["listen", "--url", &url, "--user", "5"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let listener = Running::of(child, out);
    listener.line_with("file.progress");
    demo.signal(Signal::TERM);
    assert_eq!(demo.code(), 0);
}
