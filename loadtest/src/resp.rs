//! Redis's protocol, as little of it as a worker and an onlooker need: commands out, replies in.

/// Deepest list of lists that is read.
const DEPTH_MAX: usize = 4;

/// What Redis answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Text(String),
    Number(i64),
    Nil,
    Error(String),
    List(Vec<Reply>),
}

/// The bytes are no reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoReply;

/// A command as it goes over the wire.
pub(crate) fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

impl Reply {
    /// Takes the reply at the front, and how long it was. None while it is not whole.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, NoReply> {
        Self::nested(bytes, DEPTH_MAX)
    }

    fn nested(bytes: &[u8], depth: usize) -> Result<Option<(Self, usize)>, NoReply> {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let (first, used) = (&bytes[..end], end + 2);
        let Some((kind, rest)) = first.split_first() else { return Err(NoReply) };
        let rest = str::from_utf8(rest).map_err(|_| NoReply)?;
        let number = || rest.parse::<i64>().map_err(|_| NoReply);
        let reply = match kind {
            b'+' => Self::Text(rest.to_owned()),
            b'-' => Self::Error(rest.to_owned()),
            b':' => Self::Number(number()?),
            b'$' | b'*' if number()? < 0 => Self::Nil,
            b'$' => return bulk(bytes, used, number()?),
            b'*' if depth > 0 => return list(bytes, used, number()?, depth - 1),
            _ => return Err(NoReply),
        };
        Ok(Some((reply, used)))
    }

    pub(crate) fn number(&self) -> Option<i64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn list(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// The value after `name` in a list of names and values.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let (pairs, _) = self.list().as_chunks::<2>();
        let found = pairs.iter().find(|[key, _]| matches!(key, Self::Text(key) if key == name));
        found.map(|[_, value]| value)
    }
}

fn bulk(bytes: &[u8], start: usize, len: i64) -> Result<Option<(Reply, usize)>, NoReply> {
    let end = start + usize::try_from(len).map_err(|_| NoReply)?;
    let Some(text) = bytes.get(start..end).filter(|_| bytes.len() >= end + 2) else {
        return Ok(None);
    };
    Ok(Some((Reply::Text(String::from_utf8_lossy(text).into_owned()), end + 2)))
}

fn list(
    bytes: &[u8],
    start: usize,
    len: i64,
    depth: usize,
) -> Result<Option<(Reply, usize)>, NoReply> {
    let (mut used, mut list) = (start, Vec::new());
    for _ in 0..len {
        let Some((reply, len)) = Reply::nested(&bytes[used..], depth)? else { return Ok(None) };
        used += len;
        list.push(reply);
    }
    Ok(Some((Reply::List(list), used)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &[u8] = b"*1\r\n*4\r\n$3\r\nlag\r\n:7\r\n$7\r\npending\r\n$-1\r\n+OK";

    #[test]
    fn a_command_says_how_many_words_it_has_and_how_long_each_is() {
        assert_eq!(command(&[b"XLEN", b"a"]), b"*2\r\n$4\r\nXLEN\r\n$1\r\na\r\n");
    }

    #[test]
    fn a_list_of_fields_is_read_and_what_follows_is_left() {
        let (groups, used) = Reply::read(GROUPS).unwrap().unwrap();
        assert_eq!(used, GROUPS.len() - b"+OK".len());
        let [group] = groups.list() else { panic!("{groups:?}") };
        assert_eq!(group.field("lag").and_then(Reply::number), Some(7));
        assert_eq!(group.field("pending"), Some(&Reply::Nil));
        assert_eq!(group.field("none"), None);
    }

    #[test]
    fn a_reply_cut_anywhere_is_waited_for() {
        for cut in 0..GROUPS.len() - b"+OK".len() {
            assert_eq!(Reply::read(&GROUPS[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn an_error_is_a_reply_and_nonsense_is_none() {
        let (reply, used) = Reply::read(b"-ERR no\r\n").unwrap().unwrap();
        assert_eq!((reply, used), (Reply::Error("ERR no".to_owned()), 9));
        assert_eq!(Reply::read(b"HTTP/1.1 200 OK\r\n"), Err(NoReply));
        assert_eq!(Reply::read(b":x\r\n"), Err(NoReply));
    }
}
