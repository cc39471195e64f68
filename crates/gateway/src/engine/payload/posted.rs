//! What a client has posted, taken apart.
//!
//! Ours, and not the library's: its reader of texts on Engine.IO 3 goes round for ever where a length ends within
//! a letter of two UTF-16 units and more is behind it (engineioxide-core 0.2.3). A body is whole when it comes here,
//! so this needs no state.

use bytes::Bytes;
use engineioxide_core::{Packet, PacketParseError, ProtocolVersion, Str};

use super::{LENGTH_END, SEPARATOR};

/// The most digits of a length.
const DIGITS_MAX: usize = 9;
/// The type of a message, in front of its bytes.
const MESSAGE: u8 = 4;

/// Packets of Engine.IO 4: texts with separators between them.
pub(super) fn texts_of_v4(body: Bytes) -> Result<Vec<Packet>, PacketParseError> {
    let body = String::from_utf8(body.into())?;
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let separator = char::from(SEPARATOR);
    let texts = body.strip_suffix(separator).unwrap_or(&body).split(separator);
    texts.map(|text| Packet::parse(ProtocolVersion::V4, text.to_owned())).collect()
}

/// Packets of Engine.IO 3 as text: `<UTF-16 length>:<packet>`. One without a length is passed over, as Node does.
pub(super) fn texts_of_v3(body: Bytes) -> Result<Vec<Packet>, PacketParseError> {
    let body = Str::from(String::from_utf8(body.into())?);
    let mut packets = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let (digits, behind) =
            body[at..].split_once(':').ok_or(PacketParseError::InvalidPacketLen)?;
        let len = number(digits.bytes().map(|digit| digit.wrapping_sub(b'0')))?;
        let begin = at + digits.len() + 1;
        at = begin + bytes_of(behind, len).ok_or(PacketParseError::InvalidPacketLen)?;
        if len > 0 {
            packets.push(Packet::parse(ProtocolVersion::V3, body.slice(begin..at))?);
        }
    }
    Ok(packets)
}

/// Packets of Engine.IO 3 as bytes: `<0 for text, 1 for bytes><length><255><packet>`.
pub(super) fn bytes_of_v3(body: &Bytes) -> Result<Vec<Packet>, PacketParseError> {
    let mut packets = Vec::new();
    let mut at = 0;
    while let Some(kind) = body.get(at) {
        let digits = body[at + 1..].split(|byte| *byte == LENGTH_END).next().unwrap_or_default();
        let begin = at + 1 + digits.len() + 1;
        at = begin + number(digits.iter().copied())?;
        let packet = body.get(begin..at).ok_or(PacketParseError::InvalidPacketLen)?;
        packets.push(match (kind, packet) {
            (0, text) => Packet::parse(ProtocolVersion::V3, std::str::from_utf8(text)?.to_owned())?,
            (1, [MESSAGE, ..]) => Packet::BinaryV3(body.slice(begin + 1..at)),
            _ => return Err(PacketParseError::InvalidPacketPayload),
        });
    }
    Ok(packets)
}

/// How many bytes of `text` its first `len` UTF-16 units are. `None`: there are fewer, or they end within a letter.
fn bytes_of(text: &str, len: usize) -> Option<usize> {
    let mut left = len;
    for (at, letter) in text.char_indices() {
        if left == 0 {
            return Some(at);
        }
        left = left.checked_sub(letter.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

fn number(digits: impl ExactSizeIterator<Item = u8>) -> Result<usize, PacketParseError> {
    if !(1..=DIGITS_MAX).contains(&digits.len()) {
        return Err(PacketParseError::InvalidPacketLen);
    }
    let mut digits = digits.map(|digit| (digit < 10).then_some(usize::from(digit)));
    let number = digits.try_fold(0, |number, digit| Some(number * 10 + digit?));
    number.ok_or(PacketParseError::InvalidPacketLen)
}
