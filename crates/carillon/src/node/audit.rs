//! Who ordered what, and what came of it: a line for each order that changes something for somebody.
//!
//! Promise: such an order leaves its line however it ends, also when nobody waits for the answer any more.

use std::net::SocketAddr;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    middleware::Next,
    response::Response,
};
use http::Uri;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::{events, node::admission::Caller};

/// What is said of whom it concerns, at most.
const WHOM_LEN_MAX: usize = 256;
/// How a body names whom it means.
const MEANT: [&str; 8] = ["socket", "user", "room", "id", "all", "token", "before", "filter"];
/// How an answer counts.
const COUNTS: [&str; 3] = ["sockets", "replayed", "dropped"];

/// An order that is being carried out. Dropped, it leaves its line.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) caller: Caller,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) deed: &'static str,
    pub(crate) whom: String,
    /// `done`, `partly`, the code of the error, or that it was never answered.
    pub(crate) outcome: String,
    pub(crate) count: Option<u64>,
}

impl Drop for Order {
    fn drop(&mut self) {
        events::ordered(self);
    }
}

/// Has the order carried out.
pub(super) async fn carry_out(
    deed: &'static str,
    caller: Caller,
    body: &Bytes,
    request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<SocketAddr>().copied();
    let whom = whom(request.uri(), body);
    let outcome = "unanswered".to_owned();
    let mut order = Order { caller, address, deed, whom, outcome, count: None };
    let (parts, body) = next.run(request).await.into_parts();
    // It is there as a whole: the answers to these orders are a few numbers.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    order.read(parts.status.is_success(), &body);
    Response::from_parts(parts, Body::from(body))
}

impl Order {
    fn read(&mut self, is_success: bool, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let code = answer["error"]["code"].as_str().unwrap_or("failed");
        let is_partial = answer["missing"].as_array().is_some_and(|nodes| !nodes.is_empty());
        let outcome = match (is_success, is_partial) {
            (false, _) => code,
            (true, true) => "partly",
            (true, false) => "done",
        };
        outcome.clone_into(&mut self.outcome);
        self.count = COUNTS.iter().find_map(|name| answer[name].as_u64());
    }
}

/// Whom the body means, or else the path.
fn whom(uri: &Uri, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let meant = MEANT.iter().find_map(|name| match body.get(name)? {
        Value::Null => None,
        Value::Bool(true) => Some((*name).to_owned()),
        // Pasted by mistake; whoever reads the line could use it.
        Value::String(text) if auth::is_token(text) => Some(format!("{name} ********")),
        Value::String(text) => Some(format!("{name} {text}")),
        other => Some(format!("{name} {other}")),
    });
    let meant = meant.unwrap_or_else(|| uri.path().to_owned());
    let namespace = body["namespace"].as_str().map(|name| format!(" in {name}"));
    (meant + &namespace.unwrap_or_default()).chars().take(WHOM_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    //! What an audit line says of whom.

    use super::*;

    #[test]
    fn whom_an_order_means_is_said_in_words_and_not_at_any_length() {
        let said = |path: &'static str, body: &str| whom(&Uri::from_static(path), body.as_bytes());
        let path = "/v1/sockets/disconnect";
        assert_eq!(said(path, r#"{"user":5,"namespace":"/notice"}"#), "user 5 in /notice");
        assert_eq!(said(path, r#"{"socket":"abc"}"#), "socket abc");
        assert_eq!(said("/v1/dead/drop", r#"{"all":true}"#), "all");
        assert_eq!(said("/v1/revocations", r#"{"token":"eyJh.eyJz.c2ln"}"#), "token ********");
        assert_eq!(said("/v1/users/5/tasks/a", ""), "/v1/users/5/tasks/a");
        assert_eq!(said(path, "[nonsense"), path);
        let long = format!(r#"{{"room":"{}"}}"#, "r".repeat(9_999));
        assert_eq!(said(path, &long).len(), WHOM_LEN_MAX);
    }
}
