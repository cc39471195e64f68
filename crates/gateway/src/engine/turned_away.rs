//! What a connection gets that may not come in, at the least cost.

use std::{io, sync::Arc};

use bytes::Bytes;
use rustix::{
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};
use tokio::{net::TcpStream, time::timeout};

use super::{doors::Newcomer, http::serve};
use crate::{events::Handshake, shared::Shared};

/// How much is read to find out whom a connection belongs to.
const LINE_BYTES_MAX: usize = 4 * 1024;

const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

/// What the first bytes of a connection tell, while nobody new is let in.
#[derive(Debug)]
pub(super) enum Glance {
    /// It belongs to a session that is here.
    Known(Bytes),
    Stranger,
    /// There is no whole line yet.
    Unclear(Vec<u8>),
}

/// The answer is worth one attempt, not a wait, and no TLS either: over it, who is turned away hears nothing.
///
/// It goes straight to the socket: the runtime has not heard yet that a new one can be written to.
pub(super) fn turn_away(shared: &Shared, stream: &TcpStream, why: Handshake) {
    shared.events.handshake(why);
    if shared.tls.is_some() {
        return;
    }
    let answer = if why == Handshake::AddressFull { TOO_MANY } else { UNAVAILABLE };
    // What is left unread would take the answer with it when the socket is closed.
    let unread = recv(stream, &mut [0; LINE_BYTES_MAX][..], RecvFlags::DONTWAIT);
    tracing::trace!(?unread, "turn a connection away");
    // With `MORE` it goes out together with the end.
    let flags = SendFlags::MORE | SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    if let Err(error) = send(stream, answer, flags) {
        tracing::trace!(%error, "turn a connection away");
    }
}

/// Looks at a plain connection while nobody new is let in.
pub(super) fn glance(shared: &Shared, stream: &TcpStream) -> Glance {
    let mut buffer = [0; LINE_BYTES_MAX];
    match recv(stream, &mut buffer[..], RecvFlags::DONTWAIT) {
        Ok((read @ 1.., _)) => of_whom(shared, buffer[..read].to_vec()),
        Err(Errno::WOULDBLOCK) => Glance::Unclear(Vec::new()),
        Ok(_) | Err(_) => Glance::Stranger,
    }
}

fn of_whom(shared: &Shared, said: Vec<u8>) -> Glance {
    if said.len() < LINE_BYTES_MAX && !said.contains(&b'\n') {
        return Glance::Unclear(said);
    }
    let is_held = |id| shared.sessions.get(id).is_some() || shared.forwarding.knows(id);
    let is_known = session_of(&said).is_some_and(is_held);
    if is_known { Glance::Known(said.into()) } else { Glance::Stranger }
}

/// Waits for what a glance did not tell: a connection that belongs to a session goes on.
pub(super) async fn hear_out(
    shared: Arc<Shared>,
    stream: TcpStream,
    newcomer: Newcomer,
    said: Vec<u8>,
) {
    let limit = shared.config.limits.handshake;
    let heard = tokio::select! {
        heard = timeout(limit, hear_line(&shared, &stream, said)) => heard,
        () = shared.closing.cancelled() => return,
    };
    if let Ok(Glance::Known(said)) = heard {
        // Boxed, for most are turned away.
        return Box::pin(serve(shared, stream, newcomer, said)).await;
    }
    if let Some(why) = newcomer.doubt {
        turn_away(&shared, &stream, why);
    }
}

async fn hear_line(shared: &Shared, stream: &TcpStream, mut said: Vec<u8>) -> Glance {
    loop {
        said = match of_whom(shared, said) {
            Glance::Unclear(said) => said,
            clear => return clear,
        };
        if stream.readable().await.is_err() || !read_on(stream, &mut said) {
            return Glance::Stranger;
        }
    }
}

/// `false`: nothing more comes.
fn read_on(stream: &TcpStream, said: &mut Vec<u8>) -> bool {
    let mut buffer = [0; LINE_BYTES_MAX];
    match stream.try_read(&mut buffer[said.len()..]) {
        Ok(read) => {
            let from = said.len();
            said.extend_from_slice(&buffer[from..from + read]);
            read > 0
        }
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// The session that a request line names.
fn session_of(line: &[u8]) -> Option<&str> {
    let line = line.split(|byte| *byte == b'\n').next()?;
    let target = std::str::from_utf8(line).ok()?.split(' ').nth(1)?;
    let (_path, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("sid="))
}

#[cfg(test)]
mod tests {
    use super::session_of;

    #[test]
    fn a_request_line_names_its_session_or_none() {
        for (line, session) in [
            (
                "GET /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1\r\nHost: a\r\n",
                Some("abc"),
            ),
            ("POST /socket.io/?sid=abc&EIO=4 HTTP/1.1\r\n", Some("abc")),
            ("GET /socket.io/?EIO=4&aside=abc HTTP/1.1\r\n", None),
            ("GET /socket.io/?EIO=4 HTTP/1.1\r\nX: ?sid=abc \r\n", None),
            ("\r\n", None),
            ("GET", None),
            ("", None),
        ] {
            assert_eq!(session_of(line.as_bytes()), session, "{line:?}");
        }
        assert_eq!(session_of(b"GET /?sid=\xff HTTP/1.1\r\n"), None);
    }
}
