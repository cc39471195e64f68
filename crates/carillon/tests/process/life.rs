//! How a node starts, or does not, and how it stops.

use rustix::process::Signal;
use serde_json::Value;

use super::{
    collector::call,
    harness::{Node, PORTS, Running, carillon, command, taken_port},
    server::Server,
};

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
fn a_node_closes_in_the_order_that_notices_flow() {
    let node = Node::start("serve", &[]);
    node.running.signal(Signal::TERM);
    let all = ["order given", "node stopping", "intake", "sockets", "bus", "internal port"];
    for said in all.into_iter().chain(["node stopped"]) {
        node.running.line_with(said);
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_wait_and_the_node_still_stops_in_order() {
    let redis = Server::start(&[]).await;
    let url = format!("redis.url={}", redis.url());
    let patient = ["--set", &url, "--set", "drain.delay=1m", "--set", "drain.grace=10m"];
    let node = Node::start("serve", &patient);
    node.running.signal(Signal::TERM);
    node.running.line_with("node goes");
    node.running.signal(Signal::TERM);
    node.running.line_with("told to stop twice");
    node.running.line_with("node stopped");
    assert_eq!(node.running.code(), 0);
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
fn demo_serves_its_page_and_works_for_user_5() {
    let mut child = command(&[&["demo"][..], &PORTS].concat()).spawn().unwrap();
    let (out, log) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let demo = Running::of(child, out);
    let line = demo.line_with("The page: http://127.0.0.1:");
    let address = line.split(' ').find(|word| word.starts_with("http")).unwrap();
    let (node, path) = address.split_at(address.rfind('/').unwrap());
    let (status, page) = call(node, "GET", path, "accept: text/html\r\n", "");
    assert!(status == 200 && page.contains("Carillon: live tasks"), "{address}: {page}");
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

#[test]
fn a_healthcheck_finds_a_node_that_is_ready_and_misses_one_that_is_not_there() {
    let node = Node::start("serve", &[]);
    let addr = node.internal.strip_prefix("http://").unwrap();
    for more in [&[][..], &["--live"]] {
        let args = [&["healthcheck", "--internal-addr", addr], more].concat();
        let ended = carillon(&args);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(ended.out.contains("200"), "{}", ended.out);
    }
    let (listener, addr) = taken_port();
    drop(listener);
    let ended = carillon(&["healthcheck", "--internal-addr", &addr.to_string()]);
    assert_eq!(ended.code, 1, "{}", ended.out);
}
