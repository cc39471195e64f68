//! What a notice carries: arguments as they were written, never encoded again.

use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;

/// The most attachments of one payload: a client with socket.io-parser 4.2.6 or newer takes no packet with
/// more, and leaves.
pub const ATTACHMENTS_MAX: usize = 10;

/// The arguments of one event: JSON texts joined by commas, and binary attachments beside them.
///
/// The first argument of a task notice is the worker's own JSON, byte for byte. Attachments are
/// referred to from the JSON by Socket.IO's placeholders, `{"_placeholder":true,"num":n}`.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Payload {
    args: Bytes,
    attachments: Vec<Bytes>,
}

impl Payload {
    /// One argument.
    pub fn one(json: &RawValue) -> Self {
        Self { args: Bytes::copy_from_slice(json.get().as_bytes()), attachments: Vec::new() }
    }

    /// Several arguments, or none, with the attachments that they refer to.
    pub fn several(args: &[Box<RawValue>], attachments: Vec<Bytes>) -> Self {
        let joined = args.iter().map(|arg| arg.get()).collect::<Vec<_>>().join(",");
        Self { args: joined.into(), attachments }
    }

    /// What [`Payload::args`] and [`Payload::attachments`] of an earlier payload said, which has been
    /// somewhere else meanwhile. `None` if it is no text.
    pub fn joined(args: Bytes, attachments: Vec<Bytes>) -> Option<Self> {
        std::str::from_utf8(&args).is_ok().then_some(Self { args, attachments })
    }

    /// The arguments' JSON texts joined by commas, without brackets; empty for no argument.
    pub fn args(&self) -> &str {
        std::str::from_utf8(&self.args).expect("every constructor takes texts, which are UTF-8")
    }

    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// How many bytes the payload holds, attachments included.
    pub fn len_bytes(&self) -> usize {
        self.args.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

impl fmt::Debug for Payload {
    // Payloads belong to users; logs get their size only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len_bytes())
    }
}

#[cfg(test)]
mod tests {
    //! That arguments stay as they were written.

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn arguments_are_joined_by_commas_as_written() {
        let payload = Payload::several(&[raw("{ \"a\" : 1.0 }"), raw("\"é\"")], Vec::new());
        assert_eq!(payload.args(), "{ \"a\" : 1.0 },\"é\"");
        assert_eq!(Payload::several(&[], Vec::new()).args(), "");
        assert_eq!(Payload::one(&raw("[1, 2]")).args(), "[1, 2]");
    }

    #[test]
    fn attachments_count_towards_the_length() {
        let payload = Payload::several(&[raw("1")], vec![Bytes::from_static(b"abc")]);
        assert_eq!(payload.len_bytes(), 4);
        assert_eq!(payload.attachments(), [Bytes::from_static(b"abc")]);
    }

    #[test]
    fn a_log_line_gets_the_size_only() {
        assert_eq!(format!("{:?}", Payload::one(&raw("\"secret\""))), "Payload(8 bytes)");
    }
}
