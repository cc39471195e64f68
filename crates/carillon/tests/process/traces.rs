//! Traces and exemplars of nodes, as whoever collects them sees them.

use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    collector::{Collector, call, number, said, silent},
    harness::{DEADLINE, Node, fed, taken_port},
    redis::{listener, node_on},
    server::Server,
};

pub(super) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(super) const WORKER: &str = "00f067aa0ba902b7";

pub(super) fn end_of(task: &str) -> String {
    json!({ "identity": task, "userIdentity": 5, "status": 1000, "name": "my-payload" }).to_string()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Settings by which spans go to `addr`, all of them and soon.
pub(super) fn sending_to(addr: std::net::SocketAddr, more: &[&str]) -> Vec<String> {
    let endpoint = format!("telemetry.otlp_endpoint=http://{addr}");
    let usual = ["telemetry.trace_ratio=1", "telemetry.trace_delay=20ms"];
    let all = [&endpoint as &str].into_iter().chain(usual).chain(more.iter().copied());
    all.flat_map(|setting| ["--set".to_owned(), setting.to_owned()]).collect()
}

pub(super) fn started(settings: &[String]) -> Node {
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    Node::start("serve", &settings)
}

/// Waits until so many spans have met this end.
fn until_spans(node: &Node, outcome: &str, at_least: u64) {
    let series = format!("carillon_spans_total{{outcome=\"{outcome}\"}} ");
    let began = Instant::now();
    loop {
        let (_, text) = call(&node.internal, "GET", "/metrics", "", "");
        let count = text.lines().find_map(|line| line.strip_prefix(&series)).unwrap();
        if count.parse::<u64>().unwrap() >= at_least {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "{outcome}: {count}, expected {at_least}");
    }
}

#[tokio::test]
async fn one_trace_joins_the_worker_the_way_through_redis_and_what_two_nodes_deliver() {
    let (redis, collector) = (Server::start(&[]).await, Collector::start());
    // Only what somebody records is recorded.
    let settings = sending_to(collector.addr, &["telemetry.trace_ratio=0"]);
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let nodes = [(); 2].map(|()| node_on(&redis.url(), &settings));
    let listeners = [listener(&nodes[0]), listener(&nodes[1])];
    let (parent, end) = (format!("00-{TRACE}-{WORKER}-01"), end_of("traced"));
    let beside = format!("traceparent {parent} tracestate vendor=kept");
    redis.say(&format!("XADD carillon:tasks * json '{end}' {beside}")).await;
    for listener in &listeners {
        listener.line_with("traced");
    }

    let spans = collector.spans(4);
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:#?}");
    assert!(spans.iter().all(|span| span.trace_state == "vendor=kept"), "{spans:#?}");
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let ([ingest], [publish]) = (&*named("ingest"), &*named("publish")) else {
        panic!("one of each: {spans:#?}");
    };
    assert_eq!(hex(&ingest.parent_span_id), WORKER);
    assert_eq!(said(ingest, "carillon.source"), "stream");
    assert_eq!(publish.parent_span_id, ingest.span_id);
    assert_eq!(number(publish, "carillon.nodes"), 2);
    let delivered = named("deliver");
    let heard_by: Vec<_> = delivered.iter().map(|span| said(span, "carillon.node")).collect();
    assert!(heard_by.len() == 2 && heard_by[0] != heard_by[1], "{heard_by:?}");
    assert!(heard_by.contains(&said(ingest, "service.instance.id")), "{heard_by:?}");
    for span in delivered {
        // Beside what published it, and linked to that.
        assert_eq!(hex(&span.parent_span_id), WORKER);
        let linked: Vec<_> = span.links.iter().map(|link| &link.span_id).collect();
        assert_eq!(linked, [&publish.span_id]);
        assert_eq!(number(span, "carillon.sockets"), 1);
    }
    says_nothing_of_anybody(&spans);
}

fn says_nothing_of_anybody(spans: &[Span]) {
    let told = format!("{spans:?}");
    assert!(!told.contains("my-payload") && !told.contains("user:5"), "{told}");
}

#[test]
fn an_emit_goes_on_with_the_trace_of_its_caller() {
    let collector = Collector::start();
    // Only what somebody records is recorded.
    let node = started(&sending_to(collector.addr, &["telemetry.trace_ratio=0"]));
    let parent = format!("traceparent: 00-{TRACE}-{WORKER}-01\r\n");
    let _listener = listener(&node);
    let emit = r#"{"to":{"user":"5"},"namespace":"/notice","event":"hello","data":1}"#;
    assert_eq!(call(&node.internal, "POST", "/v1/emit", &parent, emit).0, 200);
    let spans = collector.spans(2);
    let mut names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["deliver", "publish"]);
    assert!(spans.iter().all(|span| hex(&span.parent_span_id) == WORKER), "{spans:#?}");
}

#[test]
fn a_collector_that_never_answers_slows_nothing_and_is_counted() {
    let silent = silent();
    let more = ["telemetry.trace_queue=1", "telemetry.trace_timeout=300ms"];
    let node = started(&sending_to(silent.local_addr().unwrap(), &more));
    let listener = listener(&node);
    let ends: Vec<_> = (0..100).map(|n| end_of(&format!("task-{n}"))).collect();
    assert_eq!(fed(&["publish", "--to", &node.internal], &ends.join("\n")).code, 0);
    listener.line_with("task-99");
    until_spans(&node, "dropped", 1);
    until_spans(&node, "failed", 1);
    let told: Value = serde_json::from_str(&node.running.line_with("takes no spans")).unwrap();
    assert_eq!(told["level"], "WARN");
}

#[test]
fn a_node_does_not_wait_for_its_collector_when_it_stops() {
    let silent = silent();
    let node = started(&sending_to(silent.local_addr().unwrap(), &[]));
    assert_eq!(fed(&["publish", "--to", &node.internal], &end_of("last")).code, 0);
    let asked = Instant::now();
    node.running.signal(Signal::TERM);
    node.running.line_with("spans that the collector has not taken");
    let limit = std::time::Duration::from_secs(8);
    assert_eq!(node.running.code(), 0);
    assert!(asked.elapsed() < limit, "{:?}", asked.elapsed());
}

#[test]
fn without_a_collector_all_goes_on_and_what_is_lost_is_counted() {
    let (listener_, nobody) = taken_port();
    drop(listener_);
    let node = started(&sending_to(nobody, &[]));
    let listener = listener(&node);
    assert_eq!(fed(&["publish", "--to", &node.internal], &end_of("lonely")).code, 0);
    listener.line_with("lonely");
    until_spans(&node, "failed", 1);
    let told: Value = serde_json::from_str(&node.running.line_with("takes no spans")).unwrap();
    assert!(told["error"].as_str().unwrap().contains("Connection refused"), "{told}");
}

#[test]
fn what_is_published_for_several_messages_is_linked_to_those_that_were_left_out_for_it() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &["telemetry.trace_ratio=0"]));
    let progress = |trace: u32| {
        let parent = format!("00-{trace:032x}-{WORKER}-01");
        json!({ "identity": "t", "userIdentity": 5, "status": 100, "traceparent": parent })
    };
    let batch = json!([progress(1), progress(2)]).to_string();
    assert_eq!(call(&node.internal, "POST", "/v1/tasks", "", &batch).0, 202);
    let spans = collector.spans(3);
    let find = |name: &str, trace: u32| {
        let is_it =
            |span: &&Span| span.name == name && hex(&span.trace_id) == format!("{trace:032x}");
        spans.iter().find(is_it).unwrap_or_else(|| panic!("no {name} of {trace}: {spans:#?}"))
    };
    let (left_out, ingest, publish) = (find("ingest", 1), find("ingest", 2), find("publish", 2));
    assert_eq!(said(left_out, "carillon.outcome"), "left_out");
    assert_eq!(said(ingest, "carillon.outcome"), "published");
    let linked: Vec<_> = publish.links.iter().map(|link| &link.span_id).collect();
    assert_eq!(linked, [&left_out.span_id]);
}

#[tokio::test]
async fn what_the_store_does_not_take_is_published_in_vain_and_an_error() {
    let (mut redis, collector) = (Server::start(&[]).await, Collector::start());
    let settings = sending_to(collector.addr, &["telemetry.trace_ratio=0"]);
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let node = node_on(&redis.url(), &settings);
    redis.stop();
    let parent = format!("traceparent: 00-{TRACE}-{WORKER}-01\r\n");
    let emit = r#"{"event":"hello","data":1}"#;
    assert_eq!(call(&node.internal, "POST", "/v1/emit", &parent, emit).0, 503);
    let [span] = &*collector.spans(1) else { panic!("one") };
    assert_eq!(span.status.as_ref().unwrap().code(), StatusCode::Error);
    let outcome = said(span, "carillon.outcome");
    assert!(["unreachable", "unconfirmed"].contains(&&*outcome), "{outcome}");
}

#[test]
fn a_message_that_cannot_be_used_ends_its_trace_with_an_error() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &[]));
    let message = r#"{"identity":"t","userIdentity":5,"status":77}"#;
    assert_eq!(call(&node.internal, "POST", "/v1/tasks", "", message).0, 400);
    let [span] = &*collector.spans(1) else { panic!("one") };
    assert_eq!(span.status.as_ref().unwrap().code(), StatusCode::Error);
    assert_eq!(said(span, "carillon.outcome"), "rejected");
}

#[test]
fn what_is_left_is_sent_when_a_node_stops() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &["telemetry.trace_delay=1h"]));
    assert_eq!(fed(&["publish", "--to", &node.internal], &end_of("last")).code, 0);
    node.running.signal(Signal::TERM);
    let spans = collector.spans(2);
    assert_eq!(node.running.code(), 0);
    assert_eq!(spans.len(), 2);
}

#[test]
fn whoever_accepts_openmetrics_gets_it_with_the_trace_of_a_slow_delivery() {
    let collector = Collector::start();
    let node = started(&sending_to(collector.addr, &["telemetry.trace_ratio=0"]));
    let _listener = listener(&node);
    let parent = format!("traceparent: 00-{TRACE}-{WORKER}-01\r\n");
    assert_eq!(call(&node.internal, "POST", "/v1/tasks", &parent, &end_of("slow")).0, 202);
    // Once its last span has come, it is timed.
    collector.spans(3);
    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let (status, text) = call(&node.internal, "GET", "/metrics", accept, "");
    assert_eq!(status, 200);
    assert!(text.ends_with("# EOF\n") && text.contains("# TYPE carillon_conflated counter\n"));
    let latencies =
        text.lines().filter(|line| line.starts_with("carillon_delivery_seconds_bucket"));
    let exemplar = format!(" # {{trace_id=\"{TRACE}\"}} ");
    assert_eq!(latencies.filter(|line| line.contains(&exemplar)).count(), 1, "{text}");
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series < 500, "{series} series");
}
