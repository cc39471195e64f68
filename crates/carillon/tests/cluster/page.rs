//! A plain client that hears a user's notices.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A plain WebSocket, connected.
pub(crate) struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Page {
    /// Connects to a node's public port; the node may not have seated it yet.
    pub(crate) async fn open(public: &str, query: &str) -> Self {
        let url = format!("ws://{public}/ws?{query}");
        Self { socket: tokio_tungstenite::connect_async(url).await.unwrap().0 }
    }

    /// The next message, whenever it comes; `None` when the socket has closed.
    pub(crate) async fn try_next(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(_) => {}
                Err(_broken) => return None,
            }
        }
    }

    /// The next message, which must come.
    pub(crate) async fn next(&mut self) -> Value {
        let message = time::timeout(DEADLINE, self.try_next()).await;
        message.expect("it comes in time").expect("the socket stays open")
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The first argument of the next event of this name; what comes before it is left out.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["event"] == name {
                return message["args"][0].clone();
            }
        }
    }

    /// The events before the next one named `marker`.
    pub(crate) async fn heard_before(&mut self, marker: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let event = self.next().await["event"].as_str().unwrap().to_owned();
            if event == marker {
                return heard;
            }
            heard.push(event);
        }
    }

    /// Says `event` with these arguments.
    pub(crate) async fn say(&mut self, event: &str, args: &Value) {
        self.send(&json!({ "event": event, "args": args })).await;
    }

    /// The code of the next `downmsg`.
    pub(crate) async fn code(&mut self) -> String {
        self.event("downmsg").await["code"].as_str().unwrap().to_owned()
    }

    /// Waits until the end of each of these tasks was heard.
    pub(crate) async fn ends_of(&mut self, mut tasks: BTreeSet<String>) {
        while !tasks.is_empty() {
            let end = self.event("file.complete").await;
            tasks.remove(end["identity"].as_str().unwrap());
        }
    }
}
