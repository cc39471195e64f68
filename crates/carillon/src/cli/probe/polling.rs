//! Engine.IO 4 by polling, with the cookie by which a balancer knows the node.

use anyhow::{Context as _, anyhow, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use rustls::ClientConfig;
use serde_json::Value;

use super::Transport;
use crate::cli::{remote::Remote, trust};

/// The longest answer to a poll that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Stands between the packets of one answer.
const BETWEEN: char = '\u{1e}';

pub(in crate::cli) struct Polling {
    pool: trust::Pool,
    url: String,
    /// What servers in front asked to be shown again.
    cookie: Option<String>,
}

impl Polling {
    pub(in crate::cli) async fn open(
        remote: &Remote,
        rules: ClientConfig,
        path: &str,
    ) -> anyhow::Result<Self> {
        let url = format!("{}?EIO=4&transport=polling", remote.url("http", path));
        let mut polling = Self { pool: trust::pool(rules), url, cookie: None };
        let opened = polling.exchange(Method::GET, String::new()).await;
        let opened = opened.with_context(|| format!("connect to {remote}"))?;
        let open = opened.split(BETWEEN).next().and_then(|packet| packet.strip_prefix('0'));
        let open = open.and_then(|open| serde_json::from_str::<Value>(open).ok());
        let sid = open.as_ref().and_then(|open| open["sid"].as_str());
        let sid = sid.ok_or_else(|| anyhow!("{remote} answered something else than a session"))?;
        polling.url = format!("{}&sid={sid}", polling.url);
        Ok(polling)
    }

    /// Goes on by another connection.
    pub(in crate::cli) fn connect_anew(&mut self, rules: ClientConfig) {
        self.pool = trust::pool(rules);
    }

    pub(in crate::cli) fn forget_cookies(&mut self) {
        self.cookie = None;
    }

    /// A request of the session that changes nothing.
    pub(in crate::cli) async fn say_nothing(&mut self) -> anyhow::Result<()> {
        self.exchange(Method::POST, "6".to_owned()).await.map(drop)
    }

    pub(in crate::cli) async fn leave(mut self) -> anyhow::Result<()> {
        self.exchange(Method::POST, "1".to_owned()).await.map(drop)
    }

    async fn exchange(&mut self, method: Method, body: String) -> anyhow::Result<String> {
        let mut request = Request::builder().method(method).uri(&self.url);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.header(header::CONTENT_TYPE, "text/plain;charset=UTF-8");
        let request = request.body(Full::new(Bytes::from(body))).context("write the request")?;
        let (parts, body) = self.pool.request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow!(error)).context("read the answer")?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        ensure!(parts.status == StatusCode::OK, "answered {}: {}", parts.status, text.trim());
        self.keep_cookies(&parts.headers);
        Ok(text)
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        let cookies = headers.get_all(header::SET_COOKIE).iter();
        let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let pairs: Vec<_> = pairs.collect();
        if !pairs.is_empty() {
            self.cookie = Some(pairs.join("; "));
        }
    }
}

impl Transport for Polling {
    const NAME: &str = "polling";

    async fn say(&mut self, packet: String) -> anyhow::Result<()> {
        self.exchange(Method::POST, packet).await.map(drop).context("send")
    }

    async fn hear(&mut self) -> anyhow::Result<Vec<String>> {
        let heard = self.exchange(Method::GET, String::new()).await.context("poll")?;
        Ok(heard.split(BETWEEN).map(str::to_owned).collect())
    }
}
