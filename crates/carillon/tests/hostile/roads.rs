//! Where a client may show a token, and what each is told of one that does not hold.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::{
    guest::{request, upgrade},
    node::Node,
    row::shown,
    wire::{Heard, Wire},
};

const TEXT: u8 = 1;
/// The longest token that fits into a request's head beside all else.
const HEAD_BYTES_MAX: usize = 12 * 1024;

/// Every road turns `token` away in its own form, with the same words.
pub(crate) async fn refused(node: &Node, token: &[u8], words: &str) -> Result<(), String> {
    let quoted = serde_json::to_string(words).unwrap();
    let told = by_packet(node, token).await?;
    equal("Socket.IO 5", &told, &format!("44/notice,{{\"message\":{quoted}}}"))?;
    let encoded = percent_encode(token, NON_ALPHANUMERIC).to_string();
    if encoded.len() > HEAD_BYTES_MAX {
        return Ok(());
    }
    let told = by_query(node, &encoded).await?;
    equal("Socket.IO 4", &told, &format!("44{quoted}"))?;
    let answer = ask(node, &format!("/ws?token={encoded}"), WEBSOCKET).await?;
    equal("/ws", &answer, &format!("401 {words}"))?;
    let answer = ask(node, &format!("/events?token={encoded}"), "").await?;
    equal("/events", &answer, &format!("401 {words}"))
}

const WEBSOCKET: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The token opens a seat.
pub(crate) async fn seated(node: &Node, token: &[u8]) -> Result<(), String> {
    let told = by_packet(node, token).await?;
    if told.starts_with("40/notice,{\"sid\":\"") { Ok(()) } else { Err(told) }
}

async fn by_packet(node: &Node, token: &[u8]) -> Result<String, String> {
    let mut wire = Wire::open(&node.public).await;
    upgrade(&mut wire, "/socket.io/?EIO=4&transport=websocket").await?;
    wire.hear().await?;
    let quoted = serde_json::to_string(&String::from_utf8_lossy(token)).unwrap();
    wire.say(TEXT, format!("40/notice,{{\"token\":{quoted}}}").as_bytes()).await;
    text(wire.hear().await?)
}

async fn by_query(node: &Node, encoded: &str) -> Result<String, String> {
    let mut wire = Wire::open(&node.public).await;
    let target = format!("/socket.io/?EIO=3&transport=websocket&token={encoded}");
    upgrade(&mut wire, &target).await?;
    wire.hear().await?;
    text(wire.hear().await?)
}

async fn ask(node: &Node, target: &str, head: &str) -> Result<String, String> {
    let mut wire = Wire::open(&node.public).await;
    wire.send(request("GET", target, head).as_bytes()).await;
    let answer = wire.answer().await?;
    Ok(format!("{} {}", answer.status, shown(&answer.body).replace("\\'", "'")))
}

fn text(heard: Heard) -> Result<String, String> {
    match heard {
        Heard::Text(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        other => Err(format!("{other:?}")),
    }
}

fn equal(road: &str, told: &str, expected: &str) -> Result<(), String> {
    if told == expected { Ok(()) } else { Err(format!("{road} is told {told:?}")) }
}
