//! A worker or backend that hands messages in: one kept connection, requests written when their
//! owner says so, whether or not the earlier ones were answered.

use std::{
    io::{self, Read, Write},
    mem,
    net::SocketAddr,
};

use mio::net::TcpStream;

use crate::{
    answer::Answer,
    failure::Failure,
    resp::{self, Reply},
};

/// Most bytes of requests that may wait for the other side to read. Past it the run fails.
const UNSENT_BYTES_MAX: usize = 16 << 20;
const BUFFER_BYTES: usize = 16 * 1024;

/// The connection. Its owner says when it is ready.
pub(crate) struct Publisher {
    pub(crate) stream: TcpStream,
    address: SocketAddr,
    speech: Speech,
    unsent: Vec<u8>,
    unread: Vec<u8>,
    /// Requests whose answer has not come.
    pub(crate) unanswered: usize,
}

/// What is spoken on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    Http,
    Redis,
}

impl Publisher {
    pub(crate) fn connect(speech: Speech, address: SocketAddr) -> Result<Self, Failure> {
        let failed = |source| Failure::Connect { number: 0, address, source };
        let stream = std::net::TcpStream::connect(address).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_nonblocking(true).map_err(failed)?;
        let stream = TcpStream::from_std(stream);
        let (unsent, unread) = (Vec::new(), Vec::new());
        Ok(Self { stream, address, speech, unsent, unread, unanswered: 0 })
    }

    /// Posts `body` to `path`.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Result<(), Failure> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.add(request.as_bytes())?;
        self.flush()
    }

    /// Appends a worker's message to `stream`. It goes out with the next `flush`, so that those
    /// due together share a write.
    pub(crate) fn append(&mut self, stream: &str, message: &str) -> Result<(), Failure> {
        self.add(&resp::command(&[b"XADD", stream.as_bytes(), b"*", b"json", message.as_bytes()]))
    }

    /// Goes on writing and reads what was answered. Any refusal fails the run.
    pub(crate) fn ready(&mut self) -> Result<(), Failure> {
        self.flush()?;
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(Failure::PublisherGone),
                Ok(read) => self.unread.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(Failure::Wait(error)),
            }
            self.answers()?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(Failure::Wait(error)),
            }
        }
        self.unsent.drain(..sent);
        Ok(())
    }

    fn add(&mut self, request: &[u8]) -> Result<(), Failure> {
        if self.unsent.len() + request.len() > UNSENT_BYTES_MAX {
            return Err(Failure::PublisherBehind { bytes: self.unsent.len() });
        }
        self.unsent.extend_from_slice(request);
        self.unanswered += 1;
        Ok(())
    }

    fn answers(&mut self) -> Result<(), Failure> {
        let unread = mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        while let Some(len) = self.speech.accepted(rest)? {
            rest = &rest[len..];
            self.unanswered = self.unanswered.saturating_sub(1);
        }
        self.unread = rest.to_vec();
        Ok(())
    }
}

impl Speech {
    /// How long the answer at the front is. None while it is not whole. A refusal fails.
    fn accepted(self, bytes: &[u8]) -> Result<Option<usize>, Failure> {
        match self {
            Self::Http => posted(bytes),
            Self::Redis => match Reply::read(bytes).map_err(|_| Failure::PublisherGone)? {
                Some((Reply::Error(said), _)) => Err(Failure::HandIn { said }),
                reply => Ok(reply.map(|(_, len)| len)),
            },
        }
    }
}

fn posted(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(head) = Answer::read(bytes).map_err(|_| Failure::PublisherGone)? else {
        return Ok(None);
    };
    let Some(end) = head.end(bytes).map_err(|_| Failure::PublisherGone)? else {
        return Ok(None);
    };
    if (200..300).contains(&head.status) {
        return Ok(Some(end));
    }
    let body = String::from_utf8_lossy(&bytes[head.head_len..end]).into_owned();
    Err(Failure::Publish { status: head.status, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_whole_and_a_refusal_fails() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1";
        assert_eq!(Speech::Http.accepted(answer).unwrap(), Some(answer.len() - 8));
        assert_eq!(Speech::Http.accepted(&answer[..39]).unwrap(), None);
        let refusal = b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n";
        assert!(Speech::Http.accepted(refusal).is_err());

        assert_eq!(Speech::Redis.accepted(b"$3\r\n1-1\r\n$3").unwrap(), Some(9));
        assert!(Speech::Redis.accepted(b"-OOM\r\n").is_err());
    }
}
