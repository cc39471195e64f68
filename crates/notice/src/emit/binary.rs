//! `{"$binary":"<base64>"}` anywhere in the arguments becomes an attachment, and Socket.IO's placeholder
//! for it. All else stays as it was written.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::error::EmitError;
use crate::payload::ATTACHMENTS_MAX;

const BINARY: &str = "$binary";
/// What clients take for an attachment's place. One of the backend's own would point anywhere.
const PLACEHOLDER: &str = "_placeholder";

/// Takes JSON values joined by commas. Does not recurse, and reads each byte once.
pub(super) fn detach(args: &str) -> Result<(String, Vec<Bytes>), EmitError> {
    let mut left = String::with_capacity(args.len());
    let mut attachments = Vec::new();
    let mut rest = args;
    while let Some(at) = rest.find(['{', '"']) {
        left.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((base64, after)) = bytes_object(rest) {
            let num = attachments.len();
            attachments.push(attachment(base64, num)?);
            write!(left, "{{\"{PLACEHOLDER}\":true,\"num\":{num}}}").expect("a String takes all");
            rest = after;
            continue;
        }
        let (token, after) = token(rest);
        check_key(token, after)?;
        left.push_str(token);
        rest = after;
    }
    left.push_str(rest);
    Ok((left, attachments))
}

fn attachment(base64: &str, num: usize) -> Result<Bytes, EmitError> {
    if num == ATTACHMENTS_MAX {
        let cause =
            format!("more than {ATTACHMENTS_MAX} attachments, and newer clients take no more");
        return Err(EmitError::Binary { cause });
    }
    let bad = |cause: String| EmitError::Binary { cause };
    let text = unescaped(base64).ok_or_else(|| bad("got a string that is no text".to_owned()))?;
    STANDARD.decode(text).map(Bytes::from).map_err(|error| bad(error.to_string()))
}

/// The text of an object whose only key is `$binary`, at the beginning of `json`, and what follows it.
fn bytes_object(json: &str) -> Option<(&str, &str)> {
    let (key, rest) = text(json.strip_prefix('{')?)?;
    let (value, rest) = text(after(rest, ':').filter(|_| is(key, BINARY))?)?;
    Some((value, after(rest, '}')?))
}

/// Such a key elsewhere is a mistake: in an object with others, or of a value that is no text.
fn check_key(token: &str, rest: &str) -> Result<(), EmitError> {
    if !token.starts_with('"') || after(rest, ':').is_none() {
        return Ok(());
    }
    let cause = if is(token, BINARY) {
        "got $binary beside other keys, or without a string"
    } else if is(token, PLACEHOLDER) {
        "got the key _placeholder, which clients would take for an attachment's"
    } else {
        return Ok(());
    };
    Err(EmitError::Binary { cause: cause.to_owned() })
}

/// The brace or the string at the beginning of `json`.
fn token(json: &str) -> (&str, &str) {
    text(json).unwrap_or_else(|| json.split_at(1))
}

/// The string at the beginning of `json` behind whitespace, with its quotes.
fn text(json: &str) -> Option<(&str, &str)> {
    let json = json.trim_ascii_start();
    let inner = json.strip_prefix('"')?;
    let mut bytes = inner.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(json.split_at(at + 2)),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    None
}

fn after(json: &str, sign: char) -> Option<&str> {
    json.trim_ascii_start().strip_prefix(sign)
}

fn is(token: &str, key: &str) -> bool {
    unescaped(token).is_some_and(|text| text == key)
}

/// What the string says; `None` where that is no text.
fn unescaped(token: &str) -> Option<String> {
    serde_json::from_str(token).ok()
}
