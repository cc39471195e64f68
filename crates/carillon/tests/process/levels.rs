//! Log lines that are asked for while a node runs.

use serde_json::Value;

use super::{
    collector::{Collector, call},
    harness::{Node, fed},
    redis::listener,
    traces::{end_of, sending_to, started},
};

fn ask_for(node: &Node, wish: &str) {
    let (status, now) = call(&node.internal, "PUT", "/v1/log", "", wish);
    assert_eq!(status, 200, "{now}");
}

fn line_of(node: &Node, word: &str) -> Value {
    serde_json::from_str(&node.running.line_with(word)).unwrap()
}

#[test]
fn where_the_time_of_a_notice_went_is_written_while_somebody_asks_and_names_its_trace() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &[]));
    let listener = listener(&node);
    let wish = r#"{"filter":"info,carillon::latency=debug","for":"1m"}"#;
    ask_for(&node, wish);
    assert_eq!(fed(&["publish", "--to", &node.internal], &end_of("slow")).code, 0);
    listener.line_with("slow");
    for (message, time) in [("published", "bus_ms"), ("delivered", "sockets_ms")] {
        let line = line_of(&node, &format!("\"message\":\"{message}\""));
        assert!(line["notice.id"].as_str().unwrap().starts_with("user:5@/notice:"), "{line}");
        assert!(line[time].is_number(), "{line}");
        assert_eq!(line["trace_id"].as_str().unwrap().len(), 32, "{line}");
    }
}

#[test]
fn lines_that_were_asked_for_end_by_themselves() {
    let node = started(&[]);
    ask_for(&node, r#"{"filter":"info,carillon::latency=debug","for":"1s"}"#);
    let publish = |task| fed(&["publish", "--to", &node.internal], &end_of(task)).code;
    assert_eq!(publish("during"), 0);
    node.running.line_with("\"message\":\"published\"");
    node.running.line_with("as the settings say again");
    let (_, now) = call(&node.internal, "GET", "/v1/log", "", "");
    assert_eq!(now, r#"{"filter":"info","settings":"info","until":null}"#);
    assert_eq!(publish("after"), 0);
    // What it says next is of another matter.
    ask_for(&node, r#"{"filter":"info"}"#);
    let next = node.running.lines.recv_timeout(super::harness::DEADLINE).unwrap();
    assert!(next.contains("order given"), "{next}");
}

#[test]
fn nobody_silences_the_audit_by_a_filter() {
    let node = started(&[]);
    ask_for(&node, r#"{"filter":"off"}"#);
    assert_eq!(line_of(&node, "order given")["whom"], "filter off");
}
