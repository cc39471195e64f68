//! Traces of what goes past the bus: emits to one node or one socket, questions, and what clients catch up on.

use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use serde_json::{Value, json};

use super::{
    collector::{Collector, call, number, said},
    harness::{Node, Running, command},
    redis::{listener, node_on},
    server::Server,
    traces::{TRACE, WORKER, end_of, hex, sending_to, started},
};

fn headers() -> String {
    format!("traceparent: 00-{TRACE}-{WORKER}-01\r\ntracestate: vendor=kept\r\n")
}

/// Emits as part of that trace, and gives the answer.
fn emit(node: &Node, body: &Value) -> (u16, Value) {
    let (status, answer) = call(&node.internal, "POST", "/v1/emit", &headers(), &body.to_string());
    (status, serde_json::from_str(&answer).unwrap())
}

/// The one of this name; all are of the caller's trace and say nothing of anybody.
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    let [span] = &*found else { panic!("one {name}: {spans:#?}") };
    assert_eq!((&*hex(&span.trace_id), &*hex(&span.parent_span_id)), (TRACE, WORKER));
    assert_eq!(span.trace_state, "vendor=kept");
    assert!(!format!("{span:?}").contains("my-payload"), "{span:?}");
    span
}

fn linked_to(span: &Span, other: &Span) -> bool {
    span.links.iter().any(|link| link.span_id == other.span_id)
}

#[test]
fn an_emit_to_the_sockets_of_one_node_is_traced_to_them() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &["telemetry.trace_ratio=0"]));
    let _listener = listener(&node);
    let body = json!({
        "to": { "user": 5 }, "namespace": "/notice", "event": "hello", "data": "my-payload",
        "scope": "local",
    });
    assert_eq!(emit(&node, &body).0, 200);
    let spans = collector.spans(2);
    let (emit, deliver) = (named(&spans, "emit"), named(&spans, "deliver"));
    assert_eq!(said(emit, "carillon.reach"), "node");
    assert_eq!((number(emit, "carillon.sockets"), number(deliver, "carillon.sockets")), (1, 1));
    assert!(linked_to(deliver, emit), "{spans:#?}");
}

#[tokio::test]
async fn an_emit_to_one_socket_is_traced_to_the_node_where_it_sits() {
    let (redis, collector) = (Server::start(&[]).await, Collector::start());
    let settings = sending_to(collector.addr, &["telemetry.trace_ratio=0"]);
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let nodes = [(); 2].map(|()| node_on(&redis.url(), &settings));
    let _listener = listener(&nodes[1]);
    let (_, listed) = call(&nodes[1].internal, "GET", "/v1/sockets?namespace=/notice", "", "");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let socket = &listed["sockets"][0]["id"];
    let body = json!({
        "to": { "socket": socket }, "namespace": "/notice", "event": "hello", "data": 1,
    });
    let (status, answer) = emit(&nodes[0], &body);
    assert_eq!(status, 200, "{answer}");
    let spans = collector.spans(2);
    let (emit, deliver) = (named(&spans, "emit"), named(&spans, "deliver"));
    assert_eq!(said(emit, "carillon.reach"), "socket");
    assert_eq!(said(deliver, "carillon.node"), answer["node"].as_str().unwrap());
    assert_ne!(said(emit, "service.instance.id"), said(deliver, "carillon.node"));
    assert!(linked_to(deliver, emit), "{spans:#?}");
}

#[test]
fn an_emit_to_a_socket_that_is_nowhere_ends_its_span_with_an_error() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &["telemetry.trace_ratio=0"]));
    let body = json!({ "to": { "socket": "nobody" }, "event": "hello", "data": 1 });
    assert_eq!(emit(&node, &body).0, 404);
    let spans = collector.spans(1);
    let span = named(&spans, "emit");
    assert_eq!(span.status.as_ref().unwrap().code(), StatusCode::Error);
    assert_eq!(said(span, "carillon.outcome"), "unknown_socket");
}

#[test]
fn an_emit_that_asks_is_traced_until_all_have_answered_or_not() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &["telemetry.trace_ratio=0"]));
    // It listens, and answers nothing.
    let _listener = listener(&node);
    let body = json!({
        "to": { "user": 5 }, "namespace": "/notice", "event": "hello", "data": "my-payload",
        "ack": { "timeout": "100ms" },
    });
    assert_eq!(emit(&node, &body).0, 200);
    let spans = collector.spans(1);
    let span = named(&spans, "emit");
    assert_eq!(said(span, "carillon.reach"), "question");
    assert_eq!(said(span, "carillon.outcome"), "answered");
    let numbers = ["nodes", "sockets", "missing"].map(|name| format!("carillon.{name}"));
    assert_eq!(numbers.map(|name| number(span, &name)), [1, 0, 1]);
}

#[test]
fn what_a_client_catches_up_on_is_a_trace_of_its_own_linked_to_those_of_the_notices() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &[]));
    assert_eq!(call(&node.internal, "POST", "/v1/tasks", &headers(), &end_of("missed")).0, 202);
    let spans = collector.spans(2);
    let publish = named_publish(&spans);
    let mut child = command(&["listen", "--url", &node.public, "--user", "5"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let _listener = Running::of(child, out);
    let [span] = &*collector.spans(1) else { panic!("one") };
    assert_eq!((&*span.name, &*said(span, "carillon.outcome")), ("catch_up", "read"));
    assert_eq!(number(span, "messaging.batch.message_count"), 1);
    assert_eq!(said(span, "messaging.destination.template"), "user:{id}@/notice");
    assert_ne!(hex(&span.trace_id), TRACE);
    assert!(linked_to(span, publish), "{span:#?}");
}

fn named_publish(spans: &[Span]) -> &Span {
    spans.iter().find(|span| span.name == "publish").expect("it was published")
}
