//! A node, and who calls its internal port.

use std::net::SocketAddr;

use bytes::Bytes;
use carillon::{Node, Settings};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::document;

/// A node on free ports, and a client of its internal port.
pub(crate) struct Api {
    pub(crate) node: Node,
    stop: CancellationToken,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let ports = [("public.addr", "127.0.0.1:0"), ("internal.addr", "127.0.0.1:0")];
        let settings = Settings::of(ports.into_iter().chain(settings.iter().copied()));
        let stop = CancellationToken::new();
        let config = settings.into_config().unwrap();
        let node = Node::start(config, stop.clone().cancelled_owned()).await.unwrap();
        Self { node, stop, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        let addr = self.node.internal_addr();
        let answer = self.send_to(addr, method.clone(), path, headers, body.into()).await;
        document::check(&method, path, &answer);
        answer
    }

    /// Asks the port for clients.
    pub(crate) async fn send_public(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response<Bytes> {
        let addr = self.node.public_addr().unwrap();
        self.send_to(addr, method, path, headers, Bytes::new()).await
    }

    async fn send_to(
        &self,
        addr: SocketAddr,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Response<Bytes> {
        let mut request = Request::builder().method(method).uri(format!("http://{addr}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// Whatever is there, by its whole address.
    pub(crate) async fn fetch(&self, url: &str) -> Response<Bytes> {
        let request = Request::builder().uri(url).body(Full::default()).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Bytes> {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&self, body: impl Into<Bytes>) -> (StatusCode, Value) {
        let response = self.send(Method::POST, "/v1/tasks", &[], body).await;
        (response.status(), json_of(&response))
    }

    /// One series of `/metrics`; 0 if it is not there yet.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").await.into_body();
        let text = std::str::from_utf8(&text).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(series));
        value.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.node.stopped(std::future::pending()).await.unwrap();
    }
}

pub(crate) fn json_of(response: &Response<Bytes>) -> Value {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    serde_json::from_slice(response.body()).unwrap()
}
