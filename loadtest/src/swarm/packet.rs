//! What a server says in a text frame: Engine.IO 4 around Socket.IO 5, as far as a client that
//! only listens must tell it apart.

/// One text frame's meaning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// The Engine.IO session is open; the client may connect to its namespace.
    Open,
    /// To be answered by a pong, or the server lets go.
    Ping,
    /// The client has its place.
    Seated,
    /// The server will not have it, for a reason given.
    Refused(&'a [u8]),
    /// The server puts it out.
    Ended,
    Event(&'a [u8]),
    Other,
}

impl<'a> Packet<'a> {
    pub(crate) fn read(text: &'a [u8]) -> Self {
        match text {
            [b'0', ..] => Self::Open,
            [b'2', ..] => Self::Ping,
            [b'4', b'0', ..] => Self::Seated,
            [b'4', b'2', event @ ..] => Self::Event(event),
            [b'4', b'4', reason @ ..] => Self::Refused(reason),
            [b'1', ..] | [b'4', b'1', ..] => Self::Ended,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_told_apart() {
        for (text, packet) in [
            (r#"0{"sid":"a"}"#, Packet::Open),
            ("2", Packet::Ping),
            (r#"40/notice,{"sid":"b"}"#, Packet::Seated),
            (r#"42["load",1]"#, Packet::Event(br#"["load",1]"#)),
            (r#"44{"message":"no"}"#, Packet::Refused(br#"{"message":"no"}"#)),
            ("41/notice,", Packet::Ended),
            ("1", Packet::Ended),
            ("431[]", Packet::Other),
            ("6", Packet::Other),
            ("", Packet::Other),
        ] {
            assert_eq!(Packet::read(text.as_bytes()), packet, "{text}");
        }
    }
}
