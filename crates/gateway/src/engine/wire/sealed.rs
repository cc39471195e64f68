//! TLS over a socket: rustls between what is said and what the socket takes.
//!
//! Plain bytes are taken only when all that was sealed before is out, so at most one record waits
//! here. Several write at once, so a lock guards rustls; it is taken under the session's `line` and
//! nothing is taken under it.

use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    task::{Context, Poll, ready},
};

use parking_lot::Mutex;
use rustls::ServerConnection;
use tokio::net::TcpStream;

/// The most that is sealed at once: one record (RFC 8446 §5.1).
const RECORD_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Sealed {
    stream: TcpStream,
    tls: Mutex<ServerConnection>,
    /// What the client has said before it was agreed.
    hello_bytes: usize,
}

/// The most that a client may say before it is agreed: several times what any says, and no more than rustls
/// keeps for who stops in the midst of it.
const HELLO_BYTES_MAX: usize = 16 * 1024;

/// The socket, as rustls drives it.
struct Socket<'a>(&'a TcpStream);

impl Sealed {
    pub(super) fn new(stream: TcpStream, mut connection: ServerConnection) -> Self {
        connection.set_buffer_limit(Some(RECORD_BYTES_MAX));
        Self { stream, tls: Mutex::new(connection), hello_bytes: 0 }
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn tcp_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The handshake, until both sides have agreed and all that this one says is out.
    pub(super) fn poll_agreed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let tls = self.tls.get_mut();
            if self.hello_bytes > HELLO_BYTES_MAX {
                let long = "the client says too much before it is agreed".to_owned();
                return Poll::Ready(Err(not_tls(rustls::Error::General(long))));
            }
            flush(&self.stream, tls)?;
            if tls.wants_write() {
                ready!(self.stream.poll_write_ready(cx))?;
            } else if !tls.is_handshaking() {
                return Poll::Ready(Ok(()));
            } else {
                self.hello_bytes += ready!(poll_receive(&self.stream, tls, cx))?;
            }
        }
    }

    /// Whether a read gives something, or fails, without the socket.
    pub(super) fn has_news(&self) -> bool {
        match self.tls.lock().process_new_packets() {
            Ok(state) => state.plaintext_bytes_to_read() > 0 || state.peer_has_closed(),
            Err(_) => true,
        }
    }

    /// What is open already comes before what the socket has: nobody would wake for it.
    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let tls = &mut *self.tls.lock();
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Gone without a word, as over a plain wire.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            // What was no TLS once stays an error, though the socket has nothing more.
            tls.process_new_packets().map_err(not_tls)?;
            receive(&self.stream, tls)?;
        }
    }

    /// Seals one record at most.
    pub(super) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let tls = &mut *self.tls.lock();
        flush(&self.stream, tls)?;
        if tls.wants_write() {
            return Ok(0);
        }
        let taken = tls.writer().write_vectored(slices)?;
        flush(&self.stream, tls)?;
        Ok(taken)
    }

    /// Seals record after record while the socket takes them.
    pub(super) fn try_write_all(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while taken < bytes.len() {
            match self.try_write(&[IoSlice::new(&bytes[taken..])])? {
                0 => break,
                more => taken += more,
            }
        }
        Ok(taken)
    }

    pub(super) fn holds(&self) -> bool {
        self.tls.lock().wants_write()
    }

    pub(super) fn try_flush(&self) -> io::Result<usize> {
        flush(&self.stream, &mut self.tls.lock())
    }

    pub(super) fn say_end(&self) -> io::Result<()> {
        let tls = &mut *self.tls.lock();
        tls.send_close_notify();
        flush(&self.stream, tls).map(drop)
    }
}

/// The same with a wait, before there is an end that could be clean.
fn poll_receive(
    stream: &TcpStream,
    tls: &mut ServerConnection,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    match receive(stream, tls) {
        Ok(0) => Poll::Ready(Err(ErrorKind::UnexpectedEof.into())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            stream.poll_read_ready(cx).map_ok(|()| 0)
        }
        received => Poll::Ready(received),
    }
}

/// Takes in what the socket has; 0 at its end. What does not fit together is told to the other side.
fn receive(stream: &TcpStream, tls: &mut ServerConnection) -> io::Result<usize> {
    let received = tls.read_tls(&mut Socket(stream))?;
    let opened = tls.process_new_packets();
    // An alert, or an answer to a change of keys. What is left waits for the next writer.
    let flushed = flush(stream, tls);
    opened.map_err(not_tls)?;
    flushed?;
    Ok(received)
}

fn not_tls(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// Writes what is sealed, as far as the socket takes it.
fn flush(stream: &TcpStream, tls: &mut ServerConnection) -> io::Result<usize> {
    let mut written = 0;
    while tls.wants_write() {
        match tls.write_tls(&mut Socket(stream)) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
