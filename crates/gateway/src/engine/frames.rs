//! WebSocket frames from a client, out of whatever pieces arrive (RFC 6455 §5).
//!
//! Keeps bytes only while a frame or a fragmented message is incomplete.

use std::io::Cursor;

use bytes::Bytes;
use thiserror::Error;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{CloseCode, Control, Data, OpCode},
};

/// The longest payload of a control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// One whole message or control frame.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Inbound {
    Text(String),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    Close,
}

/// Why a client's bytes are no frames.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum FrameError {
    #[error("read frame: protocol violation")]
    Protocol,
    #[error("read message: no UTF-8")]
    NotText,
    #[error("read message: longer than allowed")]
    TooLarge,
}

/// What is left over between two reads.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    partial: Vec<u8>,
    fragments: Option<Box<Fragments>>,
}

#[derive(Debug)]
struct Fragments {
    data: Data,
    bytes: Vec<u8>,
}

struct Frame {
    header: FrameHeader,
    payload: Vec<u8>,
    len_bytes: usize,
}

impl Frames {
    /// Takes what was read, and gives what is whole with it. `message_bytes_max` bounds a message,
    /// fragmented or not.
    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        message_bytes_max: usize,
    ) -> Result<Vec<Inbound>, FrameError> {
        let mut whole = Vec::new();
        if self.partial.is_empty() {
            let used = self.feed_from(chunk, message_bytes_max, &mut whole)?;
            self.partial.extend_from_slice(&chunk[used..]);
            return Ok(whole);
        }
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend_from_slice(chunk);
        let used = self.feed_from(&bytes, message_bytes_max, &mut whole)?;
        if used < bytes.len() {
            bytes.drain(..used);
            self.partial = bytes;
        }
        Ok(whole)
    }

    fn feed_from(
        &mut self,
        bytes: &[u8],
        message_bytes_max: usize,
        whole: &mut Vec<Inbound>,
    ) -> Result<usize, FrameError> {
        let mut used = 0;
        while let Some(frame) = Frame::read(&bytes[used..], message_bytes_max)? {
            used += frame.len_bytes;
            whole.extend(self.take(frame, message_bytes_max)?);
        }
        Ok(used)
    }

    fn take(&mut self, frame: Frame, bytes_max: usize) -> Result<Option<Inbound>, FrameError> {
        let Frame { header, payload, .. } = frame;
        match (header.opcode, header.is_final) {
            (OpCode::Control(control), true) => control_frame(control, payload).map(Some),
            (OpCode::Control(_), false) => Err(FrameError::Protocol),
            (OpCode::Data(Data::Continue), is_final) => self.go_on(&payload, is_final, bytes_max),
            (OpCode::Data(_), _) if self.fragments.is_some() => Err(FrameError::Protocol),
            (OpCode::Data(data), true) => message(data, payload).map(Some),
            (OpCode::Data(data), false) => {
                self.fragments = Some(Box::new(Fragments { data, bytes: payload }));
                Ok(None)
            }
        }
    }

    fn go_on(
        &mut self,
        payload: &[u8],
        is_final: bool,
        bytes_max: usize,
    ) -> Result<Option<Inbound>, FrameError> {
        let fragments = self.fragments.as_mut().ok_or(FrameError::Protocol)?;
        if fragments.bytes.len() + payload.len() > bytes_max {
            return Err(FrameError::TooLarge);
        }
        fragments.bytes.extend_from_slice(payload);
        if !is_final {
            return Ok(None);
        }
        let fragments = self.fragments.take().ok_or(FrameError::Protocol)?;
        message(fragments.data, fragments.bytes).map(Some)
    }
}

impl Frame {
    /// The first frame of `bytes`, unmasked; `None` while it is incomplete.
    fn read(bytes: &[u8], payload_bytes_max: usize) -> Result<Option<Self>, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| FrameError::Protocol)?;
        let Some((header, payload_len)) = parsed else { return Ok(None) };
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(FrameError::Protocol);
        }
        let is_control = matches!(header.opcode, OpCode::Control(_));
        if is_control && payload_len > CONTROL_BYTES_MAX {
            return Err(FrameError::Protocol);
        }
        let payload_len = usize::try_from(payload_len).map_err(|_| FrameError::TooLarge)?;
        if !is_control && payload_len > payload_bytes_max {
            return Err(FrameError::TooLarge);
        }
        // A client that does not mask is to be turned away (RFC 6455 §5.1).
        let mask = header.mask.ok_or(FrameError::Protocol)?;
        let header_len = usize::try_from(cursor.position()).map_err(|_| FrameError::Protocol)?;
        // One length, one form (§5.2).
        if header_len > header.len(payload_len as u64) {
            return Err(FrameError::Protocol);
        }
        let Some(masked) = bytes.get(header_len..header_len + payload_len) else {
            return Ok(None);
        };
        let payload = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let payload = payload.collect();
        Ok(Some(Self { header, payload, len_bytes: header_len + payload_len }))
    }
}

fn message(data: Data, payload: Vec<u8>) -> Result<Inbound, FrameError> {
    match data {
        Data::Text => {
            String::from_utf8(payload).map(Inbound::Text).map_err(|_| FrameError::NotText)
        }
        _ => Ok(Inbound::Binary(payload.into())),
    }
}

fn control_frame(control: Control, payload: Vec<u8>) -> Result<Inbound, FrameError> {
    match control {
        Control::Ping => Ok(Inbound::Ping(payload.into())),
        Control::Pong => Ok(Inbound::Pong),
        Control::Close if is_farewell(&payload) => Ok(Inbound::Close),
        Control::Close | Control::Reserved(_) => Err(FrameError::Protocol),
    }
}

/// Nothing, or a code that may be sent and words (§5.5.1, §7.4).
fn is_farewell(payload: &[u8]) -> bool {
    match payload {
        [] => true,
        [high, low, words @ ..] => {
            let code = CloseCode::from(u16::from_be_bytes([*high, *low]));
            code.is_allowed() && std::str::from_utf8(words).is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
