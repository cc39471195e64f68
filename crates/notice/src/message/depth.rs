//! How deep a message nests. Clients recurse over it, the older ones without a limit of their own.

use serde_json::value::RawValue;

use super::error::MessageError;

/// The deepest nesting of objects and arrays, the message itself counted.
const DEPTH_MAX: usize = 128;

/// Refuses JSON that nests too deep. Does not recurse itself.
pub(super) fn check(json: &RawValue) -> Result<(), MessageError> {
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut bytes = json.get().bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            // Inside a text only: the escaped byte says nothing about the shape.
            b'\\' => {
                bytes.next();
            }
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(MessageError::TooDeep { depth_max: DEPTH_MAX });
        }
    }
    Ok(())
}
