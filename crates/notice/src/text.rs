//! How a free name is written inside a structured one: percent-encoded, so that it can be split again.

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What has a meaning of its own in an id, a cursor or a query string.
const RESERVED: &AsciiSet =
    &CONTROLS.add(b'%').add(b',').add(b':').add(b'@').add(b' ').add(b'#').add(b'&').add(b'+');

/// Shows `name` with every reserved byte percent-encoded.
pub(crate) fn escaped(name: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(name, RESERVED)
}

/// The inverse of [`escaped`]; `None` where the bytes behind it are not UTF-8.
pub(crate) fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}
