//! A Socket.IO packet whose attachments are still to come. Allocated only while there is one.

use bytes::Bytes;
use engineioxide_core::Str;
use parking_lot::Mutex;
use socketioxide_core::{
    packet::Packet,
    parser::{Parse, ParseConfig, ParseError, ParserState},
};
use socketioxide_parser_common::CommonParser;

#[derive(Default)]
pub(crate) struct Partial(Mutex<Option<Box<ParserState>>>);

impl Partial {
    /// Takes a text; `None` while attachments are missing.
    pub(crate) fn text(
        &self,
        config: &ParseConfig,
        text: Str,
    ) -> Result<Option<Packet>, ParseError> {
        let mut kept = self.0.lock();
        if kept.is_some() {
            return Err(ParseError::UnexpectedStringPacket);
        }
        let state = ParserState::default();
        match CommonParser.decode_str(config, &state, text) {
            Err(ParseError::NeedsMoreBinaryData) => {
                *kept = Some(Box::new(state));
                Ok(None)
            }
            decoded => decoded.map(Some),
        }
    }

    /// Takes an attachment; `None` while more are missing.
    pub(crate) fn binary(
        &self,
        config: &ParseConfig,
        bytes: Bytes,
    ) -> Result<Option<Packet>, ParseError> {
        let mut kept = self.0.lock();
        let state = kept.as_ref().ok_or(ParseError::UnexpectedBinaryPacket)?;
        match CommonParser.decode_bin(config, state, bytes) {
            Err(ParseError::NeedsMoreBinaryData) => Ok(None),
            decoded => {
                *kept = None;
                decoded.map(Some)
            }
        }
    }

    pub(crate) fn forget(&self) {
        *self.0.lock() = None;
    }
}

impl std::fmt::Debug for Partial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Partial({})", self.0.lock().is_some())
    }
}
