//! A client that comes as stock clients do by default: by polling, with a second connection for its WebSocket, to
//! which it changes over.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::{scenario::storm::connect, target::Kind};

const PATH: &str = "/socket.io/?EIO=4&transport=";

/// Takes a seat, and gives the WebSocket of it.
pub(in crate::scenario) fn arrive(
    kind: Kind,
    user: usize,
    server: SocketAddr,
) -> io::Result<TcpStream> {
    let mut polling = connect(user, server)?;
    let opened = ask(&mut polling, "GET", "polling", "")?;
    let sid = opened.split('"').nth(3).ok_or_else(|| unexpected(&opened))?.to_owned();
    let transport = format!("polling&sid={sid}");
    ask(&mut polling, "POST", &transport, &kind.connect_packet(user, None))?;
    let seated = ask(&mut polling, "GET", &transport, "")?;
    if !seated.starts_with("40") {
        return Err(unexpected(&seated));
    }
    // Parked, until the WebSocket is there.
    say(&mut polling, "GET", &transport, "")?;
    let mut websocket = connect(user, server)?;
    let key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
               Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let upgrade = format!("GET {PATH}websocket&sid={sid} HTTP/1.1\r\nHost: a\r\n{key}\r\n");
    websocket.write_all(upgrade.as_bytes())?;
    hear(&mut websocket, |said| said.ends_with(b"\r\n\r\n"))?;
    websocket.write_all(&frame("2probe"))?;
    hear(&mut websocket, |said| said.ends_with(b"3probe"))?;
    hear(&mut polling, is_whole)?;
    websocket.write_all(&frame("5"))?;
    Ok(websocket)
}

/// One request and the body of its answer.
fn ask(polling: &mut TcpStream, method: &str, transport: &str, body: &str) -> io::Result<String> {
    say(polling, method, transport, body)?;
    let said = hear(polling, is_whole)?;
    let body = said.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    body.filter(|_| said.starts_with("HTTP/1.1 200")).ok_or_else(|| unexpected(&said))
}

fn say(polling: &mut TcpStream, method: &str, transport: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head =
        format!("{method} {PATH}{transport} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}");
    polling.write_all(format!("{head}\r\n\r\n{body}").as_bytes())
}

/// A short text frame. It is masked with zeroes, which changes nothing.
fn frame(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).expect("a short text");
    [&[0x81, 0x80 | len, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn hear(stream: &mut TcpStream, is_all: fn(&[u8]) -> bool) -> io::Result<String> {
    let (mut said, mut buffer) = (Vec::new(), [0; 2048]);
    while !is_all(&said) {
        match stream.read(&mut buffer)? {
            0 => return Err(unexpected(&String::from_utf8_lossy(&said))),
            read => said.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// Whether an answer is there with all of its body.
fn is_whole(said: &[u8]) -> bool {
    let said = String::from_utf8_lossy(said).to_ascii_lowercase();
    let Some((head, body)) = said.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|text| text.trim().parse().ok()).is_some_and(|length| body.len() >= length)
}

fn unexpected(said: &str) -> io::Error {
    io::Error::other(format!("the server said {said:?}"))
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_whole_with_the_last_byte_of_its_body() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        assert!(!is_whole(head));
        assert!(!is_whole(&[&head[..], b"o"].concat()));
        assert!(is_whole(&[&head[..], b"ok"].concat()));
    }
}
