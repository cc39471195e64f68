//! Clients that do as they should, on every road: whatever others do, they are served.

use crate::{
    node::Node,
    play::good_token,
    row::shown,
    wire::{Heard, Wire},
};

/// The user of all good clients.
const USER: &str = "good";
const TEXT: u8 = 1;

/// One who stays, on Engine.IO 4 by WebSocket.
pub(crate) struct Guest {
    wire: Wire,
    asked: u32,
}

pub(crate) fn request(method: &str, target: &str, head: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: push.test\r\n{head}\r\n")
}

/// Makes a WebSocket of `wire`.
pub(crate) async fn upgrade(wire: &mut Wire, target: &str) -> Result<(), String> {
    let head = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    wire.send(request("GET", target, head).as_bytes()).await;
    let answer = wire.answer().await?;
    if answer.status == 101 {
        Ok(())
    } else {
        Err(format!("{} {}", answer.status, shown(&answer.body)))
    }
}

impl Guest {
    pub(crate) async fn sit(node: &Node) -> Result<Self, String> {
        let mut wire = Wire::open(&node.public).await;
        upgrade(&mut wire, "/socket.io/?EIO=4&transport=websocket").await?;
        expect(&mut wire, "0{").await?;
        let connect = format!(r#"40/notice,{{"token":"{}"}}"#, good_token(node, USER));
        wire.say(TEXT, connect.as_bytes()).await;
        expect(&mut wire, "40/notice,{").await?;
        Ok(Self { wire, asked: 0 })
    }

    /// Asks something, and is answered.
    pub(crate) async fn is_served(&mut self) -> Result<(), String> {
        self.asked += 1;
        let asked = format!(r#"42/notice,{}["tasks"]"#, self.asked);
        self.wire.say(TEXT, asked.as_bytes()).await;
        loop {
            let heard = expect(&mut self.wire, "").await?;
            if heard == "2" {
                self.wire.say(TEXT, b"3").await;
            } else if heard.starts_with(&format!("43/notice,{}[", self.asked)) {
                return Ok(());
            } else if !heard.starts_with("42/notice,[\"file.") {
                return Err(heard);
            }
        }
    }
}

/// The next text, which must begin so.
async fn expect(wire: &mut Wire, start: &str) -> Result<String, String> {
    match wire.hear().await? {
        Heard::Text(text) if text.starts_with(start.as_bytes()) => {
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        other => Err(format!("expected {start:?}, got {other:?}")),
    }
}

/// Newcomers on every road hear the end of a task that is handed in when all are there.
pub(crate) async fn all_are_served(node: &Node) -> Result<(), String> {
    let token = good_token(node, USER);
    let mut sockets = Vec::new();
    for (target, welcome) in [
        (format!("/ws?token={token}"), ""),
        (format!("/socket.io/?EIO=3&transport=websocket&token={token}"), "40"),
        (format!("/socket.io/?EIO=4&transport=websocket&token={token}"), ""),
    ] {
        let mut wire = Wire::open(&node.public).await;
        upgrade(&mut wire, &target).await?;
        if !welcome.is_empty() {
            expect(&mut wire, "0{").await?;
            expect(&mut wire, welcome).await?;
            expect(&mut wire, "42[\"downmsg\"").await?;
            wire.say(TEXT, b"40/notice,").await;
            expect(&mut wire, "40/notice").await?;
        } else if target.contains("EIO=4") {
            expect(&mut wire, "0{").await?;
            wire.say(TEXT, b"40/notice,").await;
            expect(&mut wire, "40/notice").await?;
        }
        sockets.push(wire);
    }
    let mut polling = Polling::sit(node, &token).await?;
    // The one who stays, and one on Engine.IO 3 who sits in two namespaces.
    node.is_seated(USER, sockets.len() + 3).await?;
    node.hand_in(r#"{"identity":"last","userIdentity":"good","status":1000}"#).await?;
    for wire in &mut sockets {
        while !expect(wire, "").await?.contains("file.complete") {}
    }
    while !polling.poll().await?.contains("file.complete") {}
    Ok(())
}

struct Polling {
    public: String,
    target: String,
}

impl Polling {
    async fn sit(node: &Node, token: &str) -> Result<Self, String> {
        let target = "/socket.io/?EIO=4&transport=polling".to_owned();
        let mut polling = Self { public: node.public.clone(), target };
        let open = polling.poll().await?;
        let sid = open.split('"').nth(3).ok_or("no session")?;
        polling.target = format!("{}&sid={sid}", polling.target);
        let connect = format!(r#"40/notice,{{"token":"{token}"}}"#);
        polling.ask("POST", &connect).await?;
        while !polling.poll().await?.contains("40/notice,") {}
        Ok(polling)
    }

    async fn poll(&mut self) -> Result<String, String> {
        self.ask("GET", "").await
    }

    async fn ask(&mut self, method: &str, body: &str) -> Result<String, String> {
        let mut wire = Wire::open(&self.public).await;
        let head = format!("content-length: {}\r\n", body.len());
        wire.send(format!("{}{body}", request(method, &self.target, &head)).as_bytes()).await;
        let answer = wire.answer().await?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status == 200 { Ok(body) } else { Err(format!("{} {body}", answer.status)) }
    }
}
