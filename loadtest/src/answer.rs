//! The head of an HTTP/1.1 answer: its status, and how long it and its body are.

/// Longest head that is waited for.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A whole head at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head_len: usize,
    /// From `Content-Length`; nothing without one.
    pub(crate) body_len: usize,
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
        let body_len = lines.find_map(content_length).transpose()?.unwrap_or(0);
        Ok(Some(Self { status, head_len: end + 4, body_len }))
    }
}

fn content_length(line: &str) -> Option<Result<usize, NoAnswer>> {
    let (name, value) = line.split_once(':')?;
    let named = name.eq_ignore_ascii_case("content-length");
    named.then(|| value.trim().parse().map_err(|_| NoAnswer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_its_status_its_length_and_its_bodys() {
        let bytes = b"HTTP/1.1 202 Accepted\r\ncontent-Length: 2\r\n\r\n{}HTTP";
        let head = Answer { status: 202, head_len: 44, body_len: 2 };
        assert_eq!(Answer::read(bytes), Ok(Some(head)));
    }

    #[test]
    fn a_head_without_its_empty_line_is_waited_for() {
        assert_eq!(Answer::read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: w"), Ok(None));
    }

    #[test]
    fn an_upgrade_has_no_body() {
        let head = Answer::read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
        assert_eq!(head.unwrap().unwrap().body_len, 0);
    }

    #[test]
    fn what_is_no_answer_is_said_so() {
        assert_eq!(Answer::read(b"SSH-2.0-x\r\n\r\n"), Err(NoAnswer));
        assert_eq!(Answer::read(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"), Err(NoAnswer));
        assert_eq!(Answer::read(&vec![b'a'; HEAD_BYTES_MAX + 1]), Err(NoAnswer));
    }
}
