//! A collector for tests: takes spans by OTLP over HTTP, or takes nothing at all. And one HTTP call, by hand.

use std::{
    io::{BufRead, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value,
    trace::v1::{ResourceSpans, Span},
};
use prost::Message as _;

use super::harness::DEADLINE;

/// Where nodes send their spans.
pub(crate) struct Collector {
    pub(crate) addr: SocketAddr,
    spans: mpsc::Receiver<Span>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (taken, spans) = mpsc::sync_channel(4096);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let taken = taken.clone();
                thread::spawn(move || serve(&connection, &taken));
            }
        });
        Self { addr, spans }
    }

    /// The next `count` spans that were sent.
    pub(crate) fn spans(&self, count: usize) -> Vec<Span> {
        let next = |_| self.spans.recv_timeout(DEADLINE).expect("it is sent before the deadline");
        (0..count).map(next).collect()
    }
}

/// Accepts, and says nothing. It does so until it is dropped.
pub(crate) fn silent() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn serve(connection: &TcpStream, taken: &mpsc::SyncSender<Span>) {
    let mut reader = BufReader::new(connection);
    while let Some((head, body)) = read(&mut reader) {
        assert!(head.starts_with("post /v1/traces "), "{head}");
        let request = ExportTraceServiceRequest::decode(&*body).unwrap();
        request.resource_spans.into_iter().flat_map(spans_of).for_each(|span| {
            taken.send(span).unwrap();
        });
        let mut connection = connection;
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

/// Each with what is said of its process.
fn spans_of(part: ResourceSpans) -> impl Iterator<Item = Span> {
    let process = part.resource.map(|resource| resource.attributes).unwrap_or_default();
    part.scope_spans.into_iter().flat_map(|scope| scope.spans).map(move |mut span| {
        span.attributes.extend(process.iter().cloned());
        span
    })
}

/// Calls a node, and gives the status and the body.
pub(crate) fn call(node: &str, method: &str, path: &str, more: &str, body: &str) -> (u16, String) {
    let host = node.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    connection.set_read_timeout(Some(DEADLINE)).unwrap();
    let len = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len}\r\n");
    connection.write_all(format!("{head}{more}\r\n{body}").as_bytes()).unwrap();
    let (head, body) = read(&mut BufReader::new(connection)).expect("it answers");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, String::from_utf8(body).unwrap())
}

/// One message of HTTP whose length is told: its head in lower case, and its body.
fn read(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; len.trim().parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// The text that a span has under this name.
pub(crate) fn said(span: &Span, name: &str) -> String {
    match value(span, name) {
        Value::StringValue(text) => text,
        other => panic!("{name} of {} is {other:?}", span.name),
    }
}

/// The number that a span has under this name.
pub(crate) fn number(span: &Span, name: &str) -> i64 {
    match value(span, name) {
        Value::IntValue(number) => number,
        other => panic!("{name} of {} is {other:?}", span.name),
    }
}

fn value(span: &Span, name: &str) -> Value {
    let found = span.attributes.iter().find(|it| it.key == name);
    let value = found.and_then(|it| it.value.as_ref()?.value.clone());
    value.unwrap_or_else(|| panic!("{} has no {name}", span.name))
}
