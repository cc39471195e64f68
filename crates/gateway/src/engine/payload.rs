//! The bodies of polling: several packets in one text or one run of bytes.
//!
//! Engine.IO 4 joins texts by U+001E, binary data as `b` and base64. Engine.IO 3 puts a length before
//! each packet, in two forms; which one a client reads depends on its age:
//! - text, `<UTF-16 length>:<packet>`. Clients 1.x read its characters as bytes of UTF-8 and want, and
//!   send, UTF-8 encoded twice. Pure ASCII is the same either way, so non-ASCII text goes out with JSON's
//!   `\uXXXX`, which every generation reads.
//! - binary, `<0 or 1><length digits as bytes><255><packet>`, which all that can, read alike.
//!
//! Source: engine.io-protocol, revision 3, "Payload".

mod posted;

use std::{fmt::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use engineioxide_core::{Packet, PacketParseError, Str};
use http::HeaderValue;

use super::dialect::{Dialect, Reads};
use crate::encoded::Encoded;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Engine.IO 4's separator of packets.
const SEPARATOR: u8 = 0x1e;
/// Engine.IO 3's end of a length in the binary form.
const LENGTH_END: u8 = 0xff;

/// A body with its content type.
pub(super) type Body = (HeaderValue, Bytes);

/// How many bytes `encoded` takes in a body, at most.
pub(super) fn size(encoded: &Encoded) -> usize {
    let attachments = encoded.attachments().iter().map(|bytes| bytes.len() / 3 * 4 + 16);
    // `\uXXXX` is at most three times as long as the UTF-8 it stands for.
    encoded.text().len() * 3 + 16 + attachments.sum::<usize>()
}

/// One body of all `packets`.
pub(super) fn encode(dialect: Dialect, packets: &[Arc<Encoded>]) -> Body {
    match dialect {
        Dialect::Engine3 { reads: Reads::Text } => (TEXT, text_v3(packets)),
        Dialect::Engine3 { reads: Reads::Binary } => (BINARY, binary_v3(packets)),
        Dialect::Engine3 { reads: Reads::Both } => {
            let plain = |encoded: &Arc<Encoded>| {
                encoded.attachments().is_empty() && encoded.text().is_ascii()
            };
            if packets.iter().all(plain) {
                (TEXT, text_v3(packets))
            } else {
                (BINARY, binary_v3(packets))
            }
        }
        _ => (TEXT, text_v4(packets)),
    }
}

fn text_v4(packets: &[Arc<Encoded>]) -> Bytes {
    let mut body = BytesMut::new();
    let mut put = |parts: &[&[u8]]| {
        if !body.is_empty() {
            body.put_u8(SEPARATOR);
        }
        for part in parts {
            body.put_slice(part);
        }
    };
    for encoded in packets {
        if !encoded.text().is_empty() {
            put(&[encoded.text()]);
        }
        for attachment in encoded.attachments() {
            put(&[b"b", STANDARD.encode(attachment).as_bytes()]);
        }
    }
    body.freeze()
}

fn text_v3(packets: &[Arc<Encoded>]) -> Bytes {
    let mut body = String::new();
    let mut put = |packet: &str| {
        write!(body, "{}:{packet}", packet.len())
            .expect("a String takes all that is written to it");
    };
    for encoded in packets {
        if !encoded.text().is_empty() {
            put(&ascii(encoded.text()));
        }
        for attachment in encoded.attachments() {
            put(&format!("b4{}", STANDARD.encode(attachment)));
        }
    }
    body.into()
}

fn binary_v3(packets: &[Arc<Encoded>]) -> Bytes {
    let mut body = BytesMut::new();
    let mut put = |kind: u8, parts: [&[u8]; 2]| {
        body.put_u8(kind);
        for digit in (parts[0].len() + parts[1].len()).to_string().bytes() {
            body.put_u8(digit - b'0');
        }
        body.put_u8(LENGTH_END);
        for part in parts {
            body.put_slice(part);
        }
    };
    for encoded in packets {
        if !encoded.text().is_empty() {
            put(0, [encoded.text(), b""]);
        }
        for attachment in encoded.attachments() {
            put(1, [&[0x04], attachment]);
        }
    }
    body.freeze()
}

/// JSON text with every character beyond ASCII as `\uXXXX`. Outside JSON strings a packet has none.
fn ascii(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    if text.is_ascii() {
        return text.into_owned();
    }
    let mut ascii = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii() {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            write!(ascii, "\\u{unit:04x}").expect("a String takes all that is written to it");
        }
    }
    ascii
}

/// The packets of a body that a client has sent.
pub(crate) fn decode(
    dialect: Dialect,
    content_type: Option<&HeaderValue>,
    body: Bytes,
) -> Result<Vec<Packet>, PacketParseError> {
    if !dialect.is_engine3() {
        return posted::texts_of_v4(body);
    }
    if content_type == Some(&BINARY) {
        return posted::bytes_of_v3(&body);
    }
    let mut packets = posted::texts_of_v3(body)?;
    packets.iter_mut().for_each(undo_second_encoding);
    Ok(packets)
}

/// A text whose characters are bytes of UTF-8 with something beyond ASCII comes from a client 1.x.
fn undo_second_encoding(packet: &mut Packet) {
    let Packet::Message(text) = packet else { return };
    if text.is_ascii() {
        return;
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    if let Some(Ok(once)) = bytes.map(String::from_utf8) {
        *packet = Packet::Message(Str::from(once));
    }
}

#[cfg(test)]
mod tests;
