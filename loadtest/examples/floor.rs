//! The floor: the least a server can do. One thread, one epoll loop, no parsing to speak of; a
//! message becomes one frame, and the frame one bare `write(2)` for each socket.
//!
//! Two arguments: the address for sockets, the address for `POST /emit` and `POST /users`, whose body has a line
//! for each socket in the order in which they came. It sends no pings, and a
//! socket that does not take a whole frame at once is dropped.

use std::{
    env::args,
    error::Error,
    io::{ErrorKind, Read, Write},
    mem,
};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};

const PUBLIC: Token = Token(usize::MAX - 1);
const PUBLISH: Token = Token(usize::MAX - 2);

/// Sockets of both kinds that may be open at once.
const SOCKETS_MAX: usize = 20_000;
const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The last part of a client's upgrade, and of a publisher's head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A client need not check what is accepted, and ours does not.
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// What a publisher says whose message has a line for each socket.
const USERS: &str = "POST /users ";
const OPEN: &str = r#"0{"sid":"floor","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const SEATED: &str = r#"40{"sid":"floor"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = args().skip(1);
    let mut address = || addresses.next().ok_or("usage: floor PUBLIC PUBLISH");
    let mut public = TcpListener::bind(address()?.parse()?)?;
    let mut publish = TcpListener::bind(address()?.parse()?)?;

    let mut poll = Poll::new()?;
    poll.registry().register(&mut public, PUBLIC, Interest::READABLE)?;
    poll.registry().register(&mut publish, PUBLISH, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut floor = Floor::default();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                PUBLIC => floor.admit(&poll, &public, false)?,
                PUBLISH => floor.admit(&poll, &publish, true)?,
                Token(number) => floor.hear(number),
            }
        }
    }
}

/// All sockets, at the place that their token names.
#[derive(Default)]
struct Floor {
    sockets: Vec<Option<Socket>>,
}

struct Socket {
    stream: TcpStream,
    stage: Stage,
}

/// What a publisher said.
enum Message {
    All(String),
    Each(String),
}

enum Stage {
    /// A client that has not been answered yet.
    New,
    /// One that has the open packet, and will say `40`.
    Open,
    Seated,
    /// A publisher, with the part of a request that has come.
    Publisher(Vec<u8>),
}

impl Floor {
    fn admit(
        &mut self,
        poll: &Poll,
        listener: &TcpListener,
        publisher: bool,
    ) -> std::io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let number = self.sockets.len();
            if number >= SOCKETS_MAX {
                continue;
            }
            stream.set_nodelay(true)?;
            poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
            let stage = if publisher { Stage::Publisher(Vec::new()) } else { Stage::New };
            self.sockets.push(Some(Socket { stream, stage }));
        }
    }

    fn hear(&mut self, number: usize) {
        let mut messages = Vec::new();
        let place = &mut self.sockets[number];
        if place.as_mut().is_some_and(|socket| socket.hear(&mut messages).is_none()) {
            *place = None;
        }
        for message in messages {
            match message {
                Message::All(data) => self.emit(&data),
                Message::Each(lines) => self.tell(&lines),
            }
        }
    }

    /// The measured part of `users`.
    fn tell(&mut self, lines: &str) {
        let mut lines = lines.lines();
        for place in &mut self.sockets {
            let Some(Socket { stream, stage: Stage::Seated }) = place else { continue };
            let Some(data) = lines.next() else { return };
            let frame = frame(&format!(r#"42["load",{data}]"#));
            if stream.write(&frame).is_ok_and(|written| written == frame.len()) {
                continue;
            }
            *place = None;
        }
    }

    /// The measured part of `fanout`.
    fn emit(&mut self, data: &str) {
        let frame = frame(&format!(r#"42["load",{data}]"#));
        for place in &mut self.sockets {
            let Some(Socket { stream, stage: Stage::Seated }) = place else { continue };
            if stream.write(&frame).is_ok_and(|written| written == frame.len()) {
                continue;
            }
            *place = None;
        }
    }
}

impl Socket {
    /// Reads all that has come. None: it is not to be kept.
    fn hear(&mut self, messages: &mut Vec<Message>) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(read) if read > 0 => self.take(&buffer[..read], messages)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(()),
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Acts on what a socket said. None: it is not to be kept.
    fn take(&mut self, bytes: &[u8], messages: &mut Vec<Message>) -> Option<()> {
        match &mut self.stage {
            Stage::New => {
                self.stream.write_all(UPGRADED).ok()?;
                self.stream.write_all(&frame(OPEN)).ok()?;
                self.stage = Stage::Open;
            }
            Stage::Open => {
                self.stream.write_all(&frame(SEATED)).ok()?;
                self.stage = Stage::Seated;
            }
            Stage::Seated => {}
            Stage::Publisher(unread) => {
                unread.extend_from_slice(bytes);
                let before = messages.len();
                *unread = requests(mem::take(unread), messages)?;
                for _ in before..messages.len() {
                    self.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
                }
            }
        }
        Some(())
    }
}

/// Moves the bodies of whole requests to `messages`, and gives back the rest. None: no request.
fn requests(mut unread: Vec<u8>, messages: &mut Vec<Message>) -> Option<Vec<u8>> {
    while let Some(head_len) = unread.windows(4).position(|four| four == HEAD_END) {
        let head = str::from_utf8(&unread[..head_len]).ok()?;
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?;
        let (start, end) = (head_len + 4, head_len + 4 + length.parse::<usize>().ok()?);
        if end > REQUEST_BYTES_MAX {
            return None;
        }
        let Some(body) = unread.get(start..end) else { break };
        let body = String::from_utf8(body.to_vec()).ok()?;
        let is_each = head.starts_with(USERS);
        messages.push(if is_each { Message::Each(body) } else { Message::All(body) });
        unread.drain(..end);
    }
    (unread.len() <= REQUEST_BYTES_MAX).then_some(unread)
}

/// An unmasked text frame.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(short @ ..=125), _) => frame.push(short),
        (_, Ok(middle)) => {
            frame.push(126);
            frame.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(text.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(text.as_bytes());
    frame
}
