//! The writer's unit: something to be sent, encoded once and shared by every socket it goes to.
//!
//! Holds finished bytes per form: a WebSocket frame, and within it the text that polling and its
//! payloads use. Knows nothing of who receives it.

use std::sync::{Arc, OnceLock};

use bytes::{BufMut, Bytes, BytesMut};
use socketioxide_core::{Value, packet::Packet, parser::Parse};
use socketioxide_parser_common::CommonParser;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use crate::events::PacketType;

/// Engine.IO's packet type for a message, as text and as the first byte of an Engine.IO 3 binary frame.
const MESSAGE: u8 = b'4';
const MESSAGE_BINARY_V3: u8 = 0x04;

const TEXT: OpCode = OpCode::Data(Data::Text);
const BINARY: OpCode = OpCode::Data(Data::Binary);

/// One packet in all the forms that a transport may ask for.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// The WebSocket frames of Engine.IO 4: one text frame, then one binary frame per attachment.
    websocket: Bytes,
    /// The same for Engine.IO 3, which differs where there are attachments. Made when first asked for.
    websocket_v3: OnceLock<Bytes>,
    /// The Engine.IO text packet, a slice of the first frame.
    text: Bytes,
    attachments: Vec<Bytes>,
}

impl Encoded {
    /// A Socket.IO packet.
    pub(crate) fn packet(packet: Packet) -> Arc<Self> {
        match CommonParser.encode(packet) {
            Value::Str(text, attachments) => {
                let attachments = attachments.map(Vec::from).unwrap_or_default();
                Self::new(&[&[MESSAGE], text.as_bytes()], attachments)
            }
            Value::Bytes(bytes) => Self::new(&[&[MESSAGE]], vec![bytes]),
        }
    }

    /// The same Socket.IO event with one more argument, of JSON, behind all others.
    pub(crate) fn with_last_argument(&self, json: &str) -> Arc<Self> {
        let Some(text) = self.text.strip_suffix(b"]") else {
            return Self::new(&[&self.text], self.attachments.clone());
        };
        Self::new(&[text, b",", json.as_bytes(), b"]"], self.attachments.clone())
    }

    /// An Engine.IO message of one text that is already a Socket.IO packet.
    pub(crate) fn message(text: &str) -> Arc<Self> {
        Self::new(&[&[MESSAGE], text.as_bytes()], Vec::new())
    }

    /// An Engine.IO message of binary data alone, as raw Engine.IO sends it.
    pub(crate) fn binary(data: Bytes) -> Arc<Self> {
        Self::new(&[], vec![data])
    }

    /// A text as it stands: an Engine.IO packet other than a message, or a plain client's message.
    pub(crate) fn text_only(text: &str) -> Arc<Self> {
        Self::new(&[text.as_bytes()], Vec::new())
    }

    /// An empty WebSocket ping, for a plain client.
    pub(crate) fn websocket_ping() -> Arc<Self> {
        Self::control(Control::Ping, &[])
    }

    /// The answer to a client's WebSocket ping.
    pub(crate) fn websocket_pong(payload: &[u8]) -> Arc<Self> {
        Self::control(Control::Pong, payload)
    }

    /// A WebSocket close frame with a code of RFC 6455 §7.4.
    pub(crate) fn websocket_close(code: u16) -> Arc<Self> {
        Self::control(Control::Close, &code.to_be_bytes())
    }

    fn control(control: Control, payload: &[u8]) -> Arc<Self> {
        let mut frame = BytesMut::new();
        put_header(&mut frame, OpCode::Control(control), payload.len());
        frame.put_slice(payload);
        let (text, attachments) = (Bytes::new(), Vec::new());
        Arc::new(Self {
            websocket: frame.freeze(),
            websocket_v3: OnceLock::new(),
            text,
            attachments,
        })
    }

    fn new(parts: &[&[u8]], attachments: Vec<Bytes>) -> Arc<Self> {
        let text_len = parts.iter().map(|part| part.len()).sum();
        let mut frames = BytesMut::new();
        if !parts.is_empty() {
            put_header(&mut frames, TEXT, text_len);
        }
        let text_at = frames.len();
        for part in parts {
            frames.put_slice(part);
        }
        for attachment in &attachments {
            put_header(&mut frames, BINARY, attachment.len());
            frames.put_slice(attachment);
        }
        let websocket = frames.freeze();
        let text = websocket.slice(text_at..text_at + text_len);
        Arc::new(Self { websocket, websocket_v3: OnceLock::new(), text, attachments })
    }

    /// The finished frames for an Engine.IO 4 socket, and for a plain one.
    pub(crate) fn websocket(&self) -> &Bytes {
        &self.websocket
    }

    /// The finished frames for an Engine.IO 3 socket: a binary frame begins with the packet type.
    pub(crate) fn websocket_v3(&self) -> &Bytes {
        if self.attachments.is_empty() {
            return &self.websocket;
        }
        self.websocket_v3.get_or_init(|| {
            let mut frames = BytesMut::new();
            if !self.text.is_empty() {
                put_header(&mut frames, TEXT, self.text.len());
                frames.put_slice(&self.text);
            }
            for attachment in &self.attachments {
                put_header(&mut frames, BINARY, attachment.len() + 1);
                frames.put_u8(MESSAGE_BINARY_V3);
                frames.put_slice(attachment);
            }
            frames.freeze()
        })
    }

    /// The Engine.IO text packet; empty for binary data alone.
    pub(crate) fn text(&self) -> &Bytes {
        &self.text
    }

    /// What it is to Engine.IO, or of a plain client what is the same; `None` for attachments alone.
    pub(crate) fn packet_type(&self) -> Option<PacketType> {
        match (self.text.first(), self.websocket.first()) {
            (Some(b'0'), _) => Some(PacketType::Open),
            (Some(b'1'), _) | (None, Some(0x88)) => Some(PacketType::Close),
            (Some(b'2' | b':'), _) | (None, Some(0x89)) => Some(PacketType::Ping),
            (Some(b'3'), _) | (None, Some(0x8a)) => Some(PacketType::Pong),
            (Some(b'6'), _) => Some(PacketType::Noop),
            (Some(_), _) => Some(PacketType::Message),
            (None, _) => None,
        }
    }

    pub(crate) fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// What it weighs while it waits.
    pub(crate) fn len_bytes(&self) -> usize {
        self.websocket.len()
    }
}

fn put_header(frames: &mut BytesMut, opcode: OpCode, len: usize) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    frames.reserve(header.len(len as u64) + len);
    header
        .format(len as u64, &mut frames.writer())
        .expect("a BytesMut takes as much as it is given");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use socketioxide_core::{Value, packet::Packet};

    use super::Encoded;

    #[test]
    fn a_notice_is_one_text_frame_whose_text_serves_polling_too() {
        let packet = Packet::event("/notice", Value::Str("[\"a\",1]".into(), None));
        let encoded = Encoded::packet(packet);
        assert_eq!(&encoded.websocket()[..], b"\x81\x1142/notice,[\"a\",1]");
        assert_eq!(&encoded.text()[..], b"42/notice,[\"a\",1]");
        assert_eq!(encoded.websocket(), encoded.websocket_v3());
    }

    #[test]
    fn attachments_follow_as_binary_frames_and_carry_their_type_on_engine_io_3() {
        let data = Value::Str(
            "[\"a\",{\"_placeholder\":true,\"num\":0}]".into(),
            Some([Bytes::from_static(b"\x01\x02")].into()),
        );
        let encoded = Encoded::packet(Packet::event("/", data));
        assert!(encoded.websocket().ends_with(b"\x82\x02\x01\x02"));
        assert!(encoded.websocket_v3().ends_with(b"\x82\x03\x04\x01\x02"));
        assert!(encoded.text().starts_with(b"451-["));
    }

    #[test]
    fn one_more_argument_comes_behind_all_others_and_leaves_attachments_as_they_are() {
        let data = Value::Str(
            "[\"a\",{\"_placeholder\":true,\"num\":0}]".into(),
            Some([Bytes::from_static(b"\x01\x02")].into()),
        );
        let encoded = Encoded::packet(Packet::event("/", data)).with_last_argument("\"x-1\"");
        assert_eq!(&encoded.text()[..], b"451-[\"a\",{\"_placeholder\":true,\"num\":0},\"x-1\"]");
        assert!(encoded.websocket().ends_with(b"\x82\x02\x01\x02"));
    }

    #[test]
    fn a_long_text_has_a_long_header() {
        let encoded = Encoded::message(&"x".repeat(70_000));
        assert_eq!(&encoded.websocket()[..2], b"\x81\x7f");
        assert_eq!(encoded.text().len(), 70_001);
    }
}
