//! The byte stream under one connection, driven by `try_read` and `try_write` only.
//!
//! No split halves: whoever has bytes to write tries at once, and the connection's own task is the
//! only one that ever waits. While the connection speaks HTTP, hyper drives it as a stream.

mod sealed;
mod stream;

use std::{
    io::{self, IoSlice},
    task::{Context, Poll, ready},
};

use tokio::net::TcpStream;

use self::sealed::Sealed;

#[derive(Debug)]
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<Sealed>),
}

impl Wire {
    /// Agrees on TLS with the client. The caller has set a time limit.
    pub(super) async fn tls(
        stream: TcpStream,
        connection: rustls::ServerConnection,
    ) -> io::Result<Self> {
        let mut sealed = Box::new(Sealed::new(stream, connection));
        std::future::poll_fn(|cx| sealed.poll_agreed(cx)).await?;
        Ok(Self::Tls(sealed))
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(sealed) => sealed.tcp(),
        }
    }

    /// Registers the one reader of this wire.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tls(sealed) if sealed.has_news() => Poll::Ready(Ok(())),
            _ => self.tcp().poll_read_ready(cx),
        }
    }

    /// Registers the one waiting writer of this wire.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp().poll_write_ready(cx)
    }

    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_read(buffer),
            Self::Tls(sealed) => sealed.try_read(buffer),
        }
    }

    /// Takes what fits now; `Ok(0)` where nothing does. Of what was taken, the end may still be held.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => or_nothing(stream.try_write(bytes)),
            Self::Tls(sealed) => sealed.try_write_all(bytes),
        }
    }

    /// Takes what fits now of several pieces in one call; `Ok(0)` where nothing does.
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => or_nothing(stream.try_write_vectored(slices)),
            Self::Tls(sealed) => sealed.try_write(slices),
        }
    }

    /// Whether something was taken that is not out: nothing more is, until it is.
    pub(crate) fn holds(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(sealed) => sealed.holds(),
        }
    }

    /// Writes what is held, as far as it goes; says how many bytes went.
    pub(crate) fn try_flush(&self) -> io::Result<usize> {
        match self {
            Self::Plain(_) => Ok(0),
            Self::Tls(sealed) => sealed.try_flush(),
        }
    }

    /// Waits until nothing is held. For the task that owns the wire.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.try_flush()?;
            if !self.holds() {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_write_ready(cx))?;
        }
    }

    /// Says that nothing more comes, if the wire takes it.
    pub(crate) fn say_end(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(sealed) => sealed.say_end(),
        }
    }
}

fn or_nothing(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}

#[cfg(test)]
mod tests;
