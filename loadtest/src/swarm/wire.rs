//! What a client's bytes go over: TCP as it is, or TLS on it.

use std::io::{self, Read, Write};

use mio::net::TcpStream;
use rustls::{ClientConnection, StreamOwned};

use crate::target::Entrance;

pub(super) enum Wire {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// Over a connection that is there, or on its way.
    pub(super) fn over(stream: TcpStream, entrance: &Entrance) -> io::Result<Self> {
        let Some(session) = entrance.session()? else { return Ok(Self::Plain(stream)) };
        Ok(Self::Secure(Box::new(StreamOwned::new(session, stream))))
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Secure(secure) => &mut secure.sock,
        }
    }

    /// Whether a read that did not fill its buffer has emptied the socket: of TLS, it was the end of a record.
    pub(super) fn is_emptied_by_a_short_read(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Secure(secure) => secure.read(buffer),
        }
    }
}

impl Write for Wire {
    /// What is said before the handshake is done waits for it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Secure(secure) => {
                let written = secure.conn.writer().write(bytes)?;
                match secure.conn.complete_io(&mut secure.sock) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
                    _ => Ok(written),
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
