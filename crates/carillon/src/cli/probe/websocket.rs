//! Engine.IO 4 over a WebSocket, without a poll before it.

use anyhow::{Context as _, anyhow};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::Transport;
use crate::cli::remote::Remote;

pub(super) struct WebSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl WebSocket {
    pub(super) async fn open(remote: &Remote, path: &str) -> anyhow::Result<Self> {
        let url = format!("{}?EIO=4&transport=websocket", remote.url("ws", path));
        let (socket, _answer) =
            connect_async(url).await.with_context(|| format!("connect to {remote}"))?;
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
