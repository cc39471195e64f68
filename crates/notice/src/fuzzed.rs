//! What the fuzzer feeds: readers of untrusted bytes, with what must hold whatever the bytes are.
//!
//! None of them may panic. Behind the feature `fuzzing`, and replayed over the seeds by the tests.

#![cfg_attr(not(feature = "fuzzing"), expect(unreachable_pub, reason = "the fuzzer is outside"))]

use std::time::SystemTime;

use crate::{Cursor, Emit, Message, PAYLOAD_BYTES_MAX, StatusTable, is_too_deep};

/// A worker's message. What is taken travels as it was written, and reads back as the same.
pub fn worker_message(bytes: &[u8]) {
    let read = |bytes| Message::parse(bytes, &StatusTable::default(), None, SystemTime::UNIX_EPOCH);
    let Ok(message) = read(bytes) else { return };
    let args = message.draft().payload.args();
    assert!(args.len() <= PAYLOAD_BYTES_MAX && !is_too_deep(args));
    if message.draft().event.is_some() && args.as_bytes() == bytes.trim_ascii() {
        let again = read(args.as_bytes()).expect("what was taken is taken again");
        assert_eq!(format!("{:?}", again.draft()), format!("{:?}", message.draft()));
    }
}

/// The body of `POST /v1/emit`.
pub fn emit_body(bytes: &[u8]) {
    let Ok(emit) = Emit::read(bytes, SystemTime::UNIX_EPOCH) else { return };
    if let Ok(draft) = emit.into_draft() {
        assert!(draft.payload.len_bytes() <= PAYLOAD_BYTES_MAX);
    }
}

/// The body of `POST /v1/downlink`.
pub fn downlink_body(bytes: &[u8]) {
    if let Ok(draft) = Emit::read_downlink(bytes, SystemTime::UNIX_EPOCH) {
        assert!(draft.payload.len_bytes() <= PAYLOAD_BYTES_MAX);
    }
}

/// A cursor. What it says of itself is a cursor again, and the same.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(cursor) = text.parse::<Cursor>() else { return };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
}

#[cfg(test)]
mod tests;
