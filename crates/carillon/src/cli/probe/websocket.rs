//! Engine.IO 4 over a WebSocket, without a poll before it.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config, tungstenite::Message,
};

use super::Transport;
use crate::cli::remote::Remote;

pub(super) struct WebSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl WebSocket {
    pub(super) async fn open(
        remote: &Remote,
        rules: ClientConfig,
        path: &str,
    ) -> anyhow::Result<Self> {
        let url = format!("{}?EIO=4&transport=websocket", remote.url("ws", path));
        let rules = Some(Connector::Rustls(Arc::new(rules)));
        let opened = connect_async_tls_with_config(url, None, true, rules).await;
        let (socket, _answer) = opened.with_context(|| format!("connect to {remote}"))?;
        Ok(Self(socket))
    }
}

impl Transport for WebSocket {
    const NAME: &str = "websocket";

    async fn say(&mut self, packet: String) -> anyhow::Result<()> {
        self.0.send(Message::text(packet)).await.context("send")
    }

    async fn hear(&mut self) -> anyhow::Result<Vec<String>> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Ok(vec![text.to_string()]),
            Some(Ok(_)) => Ok(Vec::new()),
            Some(Err(error)) => Err(error).context("read from the server"),
            None => Err(anyhow!("the server closed the socket")),
        }
    }
}
