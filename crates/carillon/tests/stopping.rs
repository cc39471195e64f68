//! What was accepted before a node stops reaches who was connected.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use carillon::{Node, Settings};
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::time;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

/// Hands in the end of one task; whether it was accepted.
async fn hand_in(client: &Client<HttpConnector, Full<Bytes>>, url: &str, identity: &str) -> bool {
    let body = format!(r#"{{"identity":"{identity}","userIdentity":5,"status":1000}}"#);
    let request = Request::post(url).body(Full::new(body.into())).unwrap();
    matches!(client.request(request).await, Ok(answer) if answer.status() == StatusCode::ACCEPTED)
}

/// The tasks whose end was accepted. After the first hundred the node is told to stop.
async fn hand_in_until_refused(url: &str, stop: &CancellationToken) -> BTreeSet<String> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut accepted = BTreeSet::new();
    loop {
        let identity = format!("task{}", accepted.len());
        if !hand_in(&client, url, &identity).await {
            return accepted;
        }
        accepted.insert(identity);
        if accepted.len() == 100 {
            stop.cancel();
        }
    }
}

/// The tasks whose end a plain client hears until its socket closes.
async fn heard(url: String) -> BTreeSet<String> {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut heard = BTreeSet::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        heard.extend(message["args"][0]["identity"].as_str().map(str::to_owned));
    }
    heard
}

#[tokio::test]
async fn every_end_accepted_before_the_stop_is_heard_before_the_socket_closes() {
    let settings = Settings::of([("public.addr", "127.0.0.1:0"), ("internal.addr", "127.0.0.1:0")]);
    let stop = CancellationToken::new();
    let config = settings.into_config().unwrap();
    let node = Node::start(config, stop.clone().cancelled_owned()).await.unwrap();
    let url = format!("http://{}/v1/tasks", node.internal_addr());
    let plain = format!("ws://{}/ws?namespace=/notice&user=5", node.public_addr().unwrap());

    let hand_in_until_refused = hand_in_until_refused(&url, &stop);
    let all = async {
        tokio::join!(hand_in_until_refused, heard(plain), node.stopped(std::future::pending()))
    };
    let (accepted, heard, stopped) = time::timeout(DEADLINE, all).await.expect("all end in time");
    stopped.unwrap();
    assert!(accepted.len() >= 100);
    let lost: Vec<_> = accepted.difference(&heard).collect();
    assert!(lost.is_empty(), "accepted {}, heard {}, lost {lost:?}", accepted.len(), heard.len());
}
