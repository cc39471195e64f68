//! The head of an HTTP/1.1 answer: its status, and how long it and its body are.

/// Longest head that is waited for.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Longest first line of a chunk.
const CHUNK_LINE_BYTES_MAX: usize = 64;

/// A whole head at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head_len: usize,
    pub(crate) body: Body,
}

/// How the end of a body is found (RFC 9112 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// From `Content-Length`; nothing without one.
    Len(usize),
    Chunked,
}

/// What came is no HTTP/1.1 answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer;

impl Answer {
    /// Reads a head. None while it is not whole.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, NoAnswer> {
        let seen = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
        let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") else {
            return if seen.len() < HEAD_BYTES_MAX { Ok(None) } else { Err(NoAnswer) };
        };
        let text = str::from_utf8(&seen[..end]).map_err(|_| NoAnswer)?;
        let mut lines = text.split("\r\n");
        let first = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = first.and_then(|line| line.get(..3)?.parse().ok()).ok_or(NoAnswer)?;
        let body = lines.find_map(body).transpose()?.unwrap_or(Body::Len(0));
        Ok(Some(Self { status, head_len: end + 4, body }))
    }

    /// Where it ends in `bytes`, at whose front it stands, with its body. None while that is not whole.
    pub(crate) fn end(&self, bytes: &[u8]) -> Result<Option<usize>, NoAnswer> {
        let mut end = self.head_len;
        match self.body {
            Body::Len(len) => end += len,
            Body::Chunked => loop {
                let Some((len, line_len)) = chunk(&bytes[end.min(bytes.len())..])? else {
                    return Ok(None);
                };
                // What it says, and the line's end behind it.
                end += line_len + len + 2;
                if len == 0 {
                    break;
                }
            },
        }
        Ok((end <= bytes.len()).then_some(end))
    }
}

/// How long the chunk at the front is, and its first line, which says so.
fn chunk(bytes: &[u8]) -> Result<Option<(usize, usize)>, NoAnswer> {
    let seen = &bytes[..bytes.len().min(CHUNK_LINE_BYTES_MAX)];
    let Some(end) = seen.windows(2).position(|two| two == b"\r\n") else {
        return if seen.len() < CHUNK_LINE_BYTES_MAX { Ok(None) } else { Err(NoAnswer) };
    };
    let line = str::from_utf8(&seen[..end]).map_err(|_| NoAnswer)?;
    let digits = line.split(';').next().unwrap_or_default().trim();
    let len = u32::from_str_radix(digits, 16).map_err(|_| NoAnswer)?;
    Ok(Some((len as usize, end + 2)))
}

fn body(line: &str) -> Option<Result<Body, NoAnswer>> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim();
    if name.eq_ignore_ascii_case("content-length") {
        return Some(value.parse().map(Body::Len).map_err(|_| NoAnswer));
    }
    let named = name.eq_ignore_ascii_case("transfer-encoding");
    (named && value.eq_ignore_ascii_case("chunked")).then_some(Ok(Body::Chunked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_its_status_its_length_and_its_bodys() {
        let bytes = b"HTTP/1.1 202 Accepted\r\ncontent-Length: 2\r\n\r\n{}HTTP";
        let head = Answer { status: 202, head_len: 44, body: Body::Len(2) };
        assert_eq!(Answer::read(bytes), Ok(Some(head)));
    }

    #[test]
    fn a_head_without_its_empty_line_is_waited_for() {
        assert_eq!(Answer::read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: w"), Ok(None));
    }

    #[test]
    fn an_upgrade_has_no_body() {
        let head = Answer::read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
        assert_eq!(head.unwrap().unwrap().body, Body::Len(0));
    }

    #[test]
    fn a_chunked_body_ends_with_its_empty_chunk_and_is_waited_for() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{ }\r\n0\r\n\r\n";
        let head = Answer::read(bytes).unwrap().unwrap();
        let more = [&bytes[..], b"HTTP"].concat();
        assert_eq!(head.end(&more), Ok(Some(bytes.len())));
        for cut in head.head_len..bytes.len() {
            assert_eq!(head.end(&bytes[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn what_is_no_answer_is_said_so() {
        assert_eq!(Answer::read(b"SSH-2.0-x\r\n\r\n"), Err(NoAnswer));
        assert_eq!(Answer::read(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"), Err(NoAnswer));
        assert_eq!(Answer::read(&vec![b'a'; HEAD_BYTES_MAX + 1]), Err(NoAnswer));
    }
}
