//! The byte stream under one connection, driven by `try_read` and `try_write` only.
//!
//! No buffer and no split halves: whoever has bytes to write tries at once, and the connection's own
//! task is the only one that ever waits. A TLS stream will be a second variant of [`Wire`].

use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};

use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self(stream)
    }

    /// Registers the one reader of this wire.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(cx)
    }

    /// Registers the one waiting writer of this wire.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(cx)
    }

    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    /// Writes what fits now; `Ok(0)` where nothing does.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        or_nothing(self.0.try_write(bytes))
    }

    /// Writes what fits now of several pieces in one call; `Ok(0)` where nothing does.
    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        or_nothing(self.0.try_write_vectored(slices))
    }
}

fn or_nothing(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}
