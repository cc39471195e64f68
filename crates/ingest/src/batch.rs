//! One body, taken apart into messages: a single object, an array, or a line each.
//!
//! Promise: each message is kept as it was written. Whether it makes sense is asked later, so that a
//! bad one is refused alone.

use std::fmt;

use bytes::Bytes;
use notice::TraceParent;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use thiserror::Error;

/// The most messages in one body. More refuse the whole body.
pub const MESSAGES_MAX: usize = 10_000;
/// The longest body, in bytes. A longer one is refused whole.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What says that a body is NDJSON, however it looks.
const NDJSON_TYPES: [&str; 4] =
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];

/// The messages of one body, in its order, not yet looked into.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Parts of the body, which stays in memory until the last of them is dropped.
    messages: Vec<Bytes>,
    parent: Option<TraceParent>,
}

/// The body as a whole cannot be taken apart. Nothing of it was taken.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum BatchError {
    #[error("read body: got nothing, expected a message, an array of them, or one on each line")]
    Empty,
    #[error("read body: got {len_bytes} bytes, expected at most {len_bytes_max}")]
    TooLarge { len_bytes: usize, len_bytes_max: usize },
    #[error("read body: got more than {len_max} messages, expected at most that many")]
    TooMany { len_max: usize },
    #[error("read body: got a broken JSON array ({cause}), expected an array of messages")]
    BrokenArray { cause: String },
}

impl Batch {
    /// Takes a body apart. Without a content type that says NDJSON, what begins with `[` is an array,
    /// what is one JSON value or has no line that is an object is one message, the rest is NDJSON.
    /// Lines of NDJSON that are empty are no messages and are not counted.
    pub fn read(body: &Bytes, content_type: Option<&str>) -> Result<Self, BatchError> {
        if body.len() > BODY_BYTES_MAX {
            let (len_bytes, len_bytes_max) = (body.len(), BODY_BYTES_MAX);
            return Err(BatchError::TooLarge { len_bytes, len_bytes_max });
        }
        let trimmed = body.trim_ascii();
        let messages = match trimmed.first() {
            None => return Err(BatchError::Empty),
            Some(_) if says_ndjson(content_type) => lines(body)?,
            Some(b'[') => elements(body, trimmed)?,
            Some(_) if looks_like_ndjson(trimmed) => lines(body)?,
            Some(_) => vec![body.slice_ref(trimmed)],
        };
        Ok(Self { messages, parent: None })
    }

    /// The same, as part of a trace that its sender has begun.
    #[must_use]
    pub fn within(self, parent: Option<TraceParent>) -> Self {
        Self { parent, ..self }
    }

    pub(crate) fn parent(&self) -> Option<TraceParent> {
        self.parent.clone()
    }

    /// Each message as it was written, without the whitespace around it.
    pub fn messages(&self) -> &[Bytes] {
        &self.messages
    }
}

impl BatchError {
    /// Whether less at once would be taken.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::TooMany { .. })
    }
}

fn says_ndjson(content_type: Option<&str>) -> bool {
    let essence = content_type.and_then(|given| given.split(';').next()).unwrap_or("").trim();
    NDJSON_TYPES.iter().any(|known| known.eq_ignore_ascii_case(essence))
}

/// Whether a body that does not say so has a message on each line: it is no single JSON value, and
/// at least one of its lines is an object by itself.
fn looks_like_ndjson(body: &[u8]) -> bool {
    let is_json = |json: &[u8]| serde_json::from_slice::<&RawValue>(json).is_ok();
    body.contains(&b'\n')
        && !is_json(body)
        && body.split(|b| *b == b'\n').any(|line| line.starts_with(b"{") && is_json(line))
}

fn lines(body: &Bytes) -> Result<Vec<Bytes>, BatchError> {
    let mut messages = Vec::new();
    for line in body.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
    {
        if messages.len() == MESSAGES_MAX {
            return Err(BatchError::TooMany { len_max: MESSAGES_MAX });
        }
        messages.push(body.slice_ref(line));
    }
    Ok(messages)
}

fn elements(body: &Bytes, array: &[u8]) -> Result<Vec<Bytes>, BatchError> {
    let Elements { elements, is_cut } = serde_json::from_slice(array)
        .map_err(|error| BatchError::BrokenArray { cause: error.to_string() })?;
    if is_cut {
        return Err(BatchError::TooMany { len_max: MESSAGES_MAX });
    }
    Ok(elements.into_iter().map(|raw| body.slice_ref(raw.get().as_bytes())).collect())
}

/// The elements of an array as they stand, as many as are allowed.
struct Elements<'a> {
    elements: Vec<&'a RawValue>,
    is_cut: bool,
}

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Array)
    }
}

struct Array;

impl<'de> Visitor<'de> for Array {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
        let mut elements = Vec::new();
        while elements.len() < MESSAGES_MAX {
            match seq.next_element()? {
                Some(element) => elements.push(element),
                None => return Ok(Elements { elements, is_cut: false }),
            }
        }
        let mut is_cut = false;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            is_cut = true;
        }
        Ok(Elements { elements, is_cut })
    }
}

#[cfg(test)]
mod tests;
