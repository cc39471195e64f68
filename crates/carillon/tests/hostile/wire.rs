//! A connection by hand: bytes out as they are, HTTP answers and WebSocket frames back, each within a deadline.

use std::{io::ErrorKind, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::row::shown;

/// How long an answer may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
/// What a client masks its frames with; one mask is as good as another.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What a server says on a WebSocket.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong,
    Close(u16),
    /// The connection has ended without a word.
    End,
}

impl Wire {
    pub(crate) async fn open(addr: &str) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap(), unread: Vec::new() }
    }

    /// A server that has closed already is none of the writer's business: what it said is still read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        drop(timeout(DEADLINE, self.stream.write_all(bytes)).await.expect("it is taken in time"));
    }

    pub(crate) async fn say(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            len @ 0..126 => frame.push(0x80 | u8::try_from(len).unwrap()),
            len @ 126..65_536 => {
                frame.push(0xfe);
                frame.extend(u16::try_from(len).unwrap().to_be_bytes());
            }
            len => {
                frame.push(0xff);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.send(&frame).await;
    }

    /// Reads more; `false` at the end.
    async fn more(&mut self) -> Result<bool, String> {
        let read = timeout(DEADLINE, self.stream.read_buf(&mut self.unread)).await;
        match read.map_err(|_| format!("nothing came behind {}", shown(&self.unread)))? {
            Ok(0) => Ok(false),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn at_least(&mut self, len: usize) -> Result<bool, String> {
        while self.unread.len() < len {
            if !self.more().await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        self.unread.drain(..len).collect()
    }

    /// The next answer, with as much body as it says that it has.
    pub(crate) async fn answer(&mut self) -> Result<Answer, String> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await? {
                return Err(format!("it ended behind {:?}", shown(&self.unread)));
            }
        };
        let head = String::from_utf8_lossy(&self.take(end)).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("{head:?} is no answer"))?;
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let len: usize = len.unwrap_or_default();
        if !self.at_least(len).await? {
            return Err(format!("its body ended behind {:?}", shown(&self.unread)));
        }
        Ok(Answer { status, head, body: self.take(len) })
    }

    /// The next frame that a client need not answer.
    pub(crate) async fn hear(&mut self) -> Result<Heard, String> {
        if !self.at_least(2).await? {
            return Ok(Heard::End);
        }
        let (opcode, short) = (self.unread[0] & 0x0f, self.unread[1]);
        let header_len = match short {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        if !self.at_least(header_len).await? {
            return Err("a frame was cut".to_owned());
        }
        let long = &self.unread[2..header_len];
        let len = long.iter().fold(0, |len: usize, byte| len << 8 | usize::from(*byte));
        let len = if header_len == 2 { usize::from(short) } else { len };
        if !self.at_least(header_len + len).await? {
            return Err("a frame was cut".to_owned());
        }
        let payload = self.take(header_len + len).split_off(header_len);
        match (opcode, payload.as_slice()) {
            (1, _) => Ok(Heard::Text(payload)),
            (2, _) => Ok(Heard::Binary(payload)),
            (8, [high, low, ..]) => Ok(Heard::Close(u16::from_be_bytes([*high, *low]))),
            (10, _) => Ok(Heard::Pong),
            _ => Err(format!("a frame {opcode:x} of {}", shown(&payload))),
        }
    }

    /// Whether nothing more comes, and the connection ends.
    pub(crate) async fn ends(&mut self) -> Result<(), String> {
        while self.unread.is_empty() {
            if !self.more().await? {
                return Ok(());
            }
        }
        Err(format!("{} came, where it should end", shown(&self.unread)))
    }
}
