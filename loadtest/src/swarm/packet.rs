//! What a server says in a text frame, as far as a client that only listens must tell it apart: Engine.IO 4 around
//! Socket.IO 5, Centrifugo's JSON protocol, or anything at all.

/// What is spoken after the upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    SocketIo,
    /// Several replies may share a frame, a line each.
    Centrifugo,
    /// Each frame is a message, and nobody is greeted.
    Plain,
}

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

impl Dialect {
    /// How a ping is answered that came as a message.
    pub(super) fn pong(self) -> &'static [u8] {
        match self {
            Self::SocketIo => b"3",
            Self::Centrifugo => b"{}",
            Self::Plain => b"",
        }
    }

    /// The packets of one frame.
    pub(super) fn packets(self, text: &[u8]) -> impl Iterator<Item = Packet<'_>> {
        let several = self == Self::Centrifugo;
        text.split(move |byte| several && *byte == b'\n').map(move |text| self.packet(text))
    }

    fn packet(self, text: &[u8]) -> Packet<'_> {
        match self {
            Self::SocketIo => Packet::socket_io(text),
            Self::Centrifugo => Packet::centrifugo(text),
            Self::Plain => Packet::Event(text),
        }
    }
}

impl<'a> Packet<'a> {
    /// Replies have the id of what they answer: 1 connects, 2 subscribes.
    fn centrifugo(text: &'a [u8]) -> Self {
        match text {
            b"{}" => Self::Ping,
            _ if text.starts_with(br#"{"push":{"disconnect""#) => Self::Ended,
            _ if text.starts_with(br#"{"push":"#) => Self::Event(text),
            _ if text.starts_with(br#"{"id":2,"subscribe""#) => Self::Seated,
            _ if text.starts_with(br#"{"id":1,"error""#)
                || text.starts_with(br#"{"id":2,"error""#) =>
            {
                Self::Refused(text)
            }
            _ => Self::Other,
        }
    }

    fn socket_io(text: &'a [u8]) -> Self {
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
            assert_eq!(Dialect::SocketIo.packet(text.as_bytes()), packet, "{text}");
        }
    }

    #[test]
    fn replies_of_centrifugo_may_share_a_frame() {
        let push = r#"{"push":{"channel":"load","pub":{"data":{}}}}"#;
        let text =
            format!("{{\"id\":1,\"connect\":{{}}}}\n{{\"id\":2,\"subscribe\":{{}}}}\n{push}\n{{}}");
        let packets: Vec<_> = Dialect::Centrifugo.packets(text.as_bytes()).collect();
        let event = Packet::Event(push.as_bytes());
        assert_eq!(packets, [Packet::Other, Packet::Seated, event, Packet::Ping]);
        let refusal = br#"{"id":2,"error":{"code":103}}"#;
        assert_eq!(Dialect::Centrifugo.packet(refusal), Packet::Refused(refusal));
    }

    #[test]
    fn of_plain_websocket_all_is_a_message_whatever_is_in_it() {
        let packets: Vec<_> = Dialect::Plain.packets(b"2\n40").collect();
        assert_eq!(packets, [Packet::Event(b"2\n40")]);
    }
}
