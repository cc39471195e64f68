//! The port while many callers keep their connections: whoever asks whether the node lives is answered.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::harness::Api;

/// As many connections as the port has places.
const CONNECTIONS_MAX: usize = 1_024;
const DEADLINE: Duration = Duration::from_secs(20);

async fn ask(stream: &mut TcpStream, head: &str) -> String {
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let len = timeout(DEADLINE, stream.read(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer[..len]).into_owned()
}

#[tokio::test]
async fn callers_that_keep_their_connections_keep_nobody_from_asking() {
    let api = Api::start().await;
    let addr = api.node.internal_addr();
    let mut kept = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let answer =
            ask(&mut stream, &format!("GET /livez HTTP/1.1\r\nhost: {addr}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        kept.push(stream);
    }
    let full = timeout(DEADLINE, api.metric("carillon_api_full_total ")).await;
    assert!(full.unwrap() >= 1.0);
    api.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_the_body_of_a_call_that_has_none() {
    let api = Api::start_with(&[("internal.api_keys", "0123456789abcdef")]).await;
    let addr = api.node.internal_addr();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!("GET /livez HTTP/1.1\r\nhost: {addr}\r\ncontent-length: 8000000\r\n\r\n");
    let answer = ask(&mut stream, &head).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    api.stop().await;
}
