//! A backend that calls nodes' internal ports, and holds every answer to docs/openapi.json.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::time::{self, Duration};

use crate::{document, page::DEADLINE};

/// Keeps its connections.
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Caller {
    pub(crate) fn new() -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// What a node answers; `None` if it is gone.
    pub(crate) async fn try_ask(
        &self,
        method: Method,
        internal: &str,
        path: &str,
        body: String,
    ) -> Option<(StatusCode, Value)> {
        let answer = self.try_send(method.clone(), internal, path, body).await?;
        document::check(&method, path, &answer);
        Some((answer.status(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null)))
    }

    /// The same of either port, whatever comes.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        addr: &str,
        path: &str,
        body: String,
    ) -> Option<Response<Bytes>> {
        let url = format!("http://{addr}{path}");
        let request = Request::builder().method(method).uri(url).body(Full::new(body.into()));
        let answer = self.client.request(request.unwrap());
        let answer = time::timeout(DEADLINE, answer).await.expect("an answer in time").ok()?;
        let (parts, body) = answer.into_parts();
        Some(Response::from_parts(parts, body.collect().await.ok()?.to_bytes()))
    }

    /// Hands in one message; whether it was accepted. A node that is gone accepts nothing.
    pub(crate) async fn hand_in(&self, internal: &str, message: &Value) -> bool {
        let answer = self.try_ask(Method::POST, internal, "/v1/tasks", message.to_string());
        answer.await.is_some_and(|(status, _)| status == StatusCode::ACCEPTED)
    }

    /// One series of a node's metrics.
    pub(crate) async fn metric(&self, internal: &str, series: &str) -> Option<f64> {
        let request = Request::get(format!("http://{internal}/metrics")).body(Full::default());
        let answer = self.client.request(request.unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// Waits until a node's series has this value.
    pub(crate) async fn metric_is(&self, internal: &str, series: &str, value: f64) {
        let until = async {
            while self.metric(internal, series).await != Some(value) {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(DEADLINE, until).await.expect("the metric gets there in time");
    }
}
