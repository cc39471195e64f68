//! What a connection gets that may not come in, at the least cost.

use std::{io::Write as _, sync::Arc};

use tokio::{
    net::TcpStream,
    time::{error::Elapsed, timeout},
};

use super::{doors::Newcomer, http::serve};
use crate::{events::Handshake, shared::Shared};

/// How much is read to find out whom a connection belongs to.
const LINE_BYTES_MAX: usize = 4 * 1024;

const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
    Content-Length: 0\r\nConnection: close\r\n\r\n";

/// The answer is worth one attempt, not a wait, and no TLS either: over it, who is turned away hears nothing.
pub(super) fn turn_away(shared: &Shared, stream: TcpStream, why: Handshake) {
    shared.events.handshake(why);
    if shared.tls.is_some() {
        return;
    }
    let answer = if why == Handshake::AddressFull { TOO_MANY } else { UNAVAILABLE };
    // Not through the runtime, which has not heard yet that a new socket can be written to.
    let written = stream.into_std().and_then(|mut stream| stream.write(answer));
    if let Err(error) = written {
        tracing::trace!(%error, "turn a connection away");
    }
}

/// Hears a plain connection out while nobody new is let in: one that belongs to a session goes on, with what
/// it has said so far.
pub(super) async fn hear_out(
    shared: Arc<Shared>,
    stream: TcpStream,
    newcomer: Newcomer,
    why: Handshake,
) {
    match first_line(&shared, &stream).await {
        Ok(said) if session_of(&said).is_some_and(|id| shared.sessions.get(id).is_some()) => {
            // Boxed, for most are turned away.
            Box::pin(serve(shared, stream, newcomer, said.into())).await;
        }
        _ => turn_away(&shared, stream, why),
    }
}

/// What a client says up to the end of a line, within `limits.handshake`.
async fn first_line(shared: &Shared, stream: &TcpStream) -> Result<Vec<u8>, Elapsed> {
    let mut said = Vec::new();
    let reading = async {
        while said.len() < LINE_BYTES_MAX && !said.contains(&b'\n') {
            if stream.readable().await.is_err() || !read_on(stream, &mut said) {
                return;
            }
        }
    };
    tokio::select! {
        read = timeout(shared.config.limits.handshake, reading) => read?,
        () = shared.closing.cancelled() => {}
    }
    Ok(said)
}

/// `false`: nothing more comes.
fn read_on(stream: &TcpStream, said: &mut Vec<u8>) -> bool {
    let mut buffer = [0; LINE_BYTES_MAX];
    match stream.try_read(&mut buffer[said.len()..]) {
        Ok(0) => false,
        Ok(read) => {
            let from = said.len();
            said.extend_from_slice(&buffer[from..from + read]);
            true
        }
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
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
