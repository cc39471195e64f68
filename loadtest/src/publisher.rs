//! The backend that publishes: one kept-alive HTTP connection, requests written when they are due
//! whether or not the earlier ones were answered.

use std::{
    io::{self, Read, Write},
    mem,
    net::SocketAddr,
};

use mio::net::TcpStream;

use crate::{answer::Answer, failure::Failure, mark::Mark, target::Kind};

/// Most bytes of requests that may wait for the server to read. Past it the run fails.
const UNSENT_BYTES_MAX: usize = 1 << 20;

/// The publishing connection. Its owner says when it is ready.
pub(crate) struct Publisher {
    pub(crate) stream: TcpStream,
    address: SocketAddr,
    kind: Kind,
    unsent: Vec<u8>,
    unread: Vec<u8>,
}

impl Publisher {
    pub(crate) fn connect(kind: Kind, address: SocketAddr) -> Result<Self, Failure> {
        let failed = |source| Failure::Connect { number: 0, address, source };
        let stream = std::net::TcpStream::connect(address).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_nonblocking(true).map_err(failed)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { stream, address, kind, unsent: Vec::new(), unread: Vec::new() })
    }

    /// Publishes one message to everybody, with data of `bytes` bytes.
    pub(crate) fn post(&mut self, mark: Mark, bytes: usize) -> Result<(), Failure> {
        let (path, body) = self.kind.publish(&mark.data(bytes));
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        if self.unsent.len() + request.len() > UNSENT_BYTES_MAX {
            return Err(Failure::PublisherBehind { bytes: self.unsent.len() });
        }
        self.unsent.extend_from_slice(request.as_bytes());
        self.flush()
    }

    /// Goes on writing and reads what was answered. Any answer but a 2xx fails the run.
    pub(crate) fn ready(&mut self) -> Result<(), Failure> {
        self.flush()?;
        let mut buffer = [0; 4096];
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

    fn flush(&mut self) -> Result<(), Failure> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(Failure::Wait(error)),
            }
        }
        Ok(())
    }

    fn answers(&mut self) -> Result<(), Failure> {
        let unread = mem::take(&mut self.unread);
        let mut rest = unread.as_slice();
        while let Some(head) = Answer::read(rest).map_err(|_| Failure::PublisherGone)? {
            let Some(body) = rest.get(head.head_len..head.head_len + head.body_len) else { break };
            if !(200..300).contains(&head.status) {
                let body = String::from_utf8_lossy(body).into_owned();
                return Err(Failure::Publish { status: head.status, body });
            }
            rest = &rest[head.head_len + head.body_len..];
        }
        self.unread = rest.to_vec();
        Ok(())
    }
}
