//! Binary attachments as text: `{"$binary":"<base64>"}` where Socket.IO's placeholders are, and every other
//! byte as the client wrote it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;

/// The longest form of a placeholder, with spaces in it.
const PLACEHOLDER_BYTES_MAX: usize = 64;

/// `{"_placeholder":true,"num":0}`, in any order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placeholder {
    #[serde(rename = "_placeholder")]
    is_one: bool,
    num: usize,
}

/// Why attachments could not be put into their places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unfit {
    /// Longer than that, with its attachments: one of them may stand in many places.
    TooLarge,
    /// A placeholder names an attachment that did not come.
    NoAttachment,
}

/// `json` is what was checked to be JSON.
pub(crate) fn filled(
    json: &str,
    attachments: &[Bytes],
    len_bytes_max: usize,
) -> Result<String, Unfit> {
    let mut text = String::new();
    let mut rest = json;
    while let Some(at) = next_object(rest).filter(|_| !attachments.is_empty()) {
        let (before, object) = rest.split_at(at);
        text.push_str(before);
        let Some((num, len)) = placeholder(object) else {
            text.push('{');
            rest = &object[1..];
            continue;
        };
        let bytes = attachments.get(num).ok_or(Unfit::NoAttachment)?;
        if text.len() + bytes.len() > len_bytes_max {
            return Err(Unfit::TooLarge);
        }
        text.push_str("{\"$binary\":\"");
        STANDARD.encode_string(bytes, &mut text);
        text.push_str("\"}");
        rest = &object[len..];
    }
    text.push_str(rest);
    if text.len() > len_bytes_max { Err(Unfit::TooLarge) } else { Ok(text) }
}

/// Where the next object begins. `json` begins outside of all texts.
fn next_object(json: &str) -> Option<usize> {
    let (mut in_text, mut is_escaped) = (false, false);
    json.bytes().position(|byte| {
        let begins = byte == b'{' && !in_text;
        if byte == b'"' && !is_escaped {
            in_text = !in_text;
        }
        is_escaped = byte == b'\\' && !is_escaped;
        begins
    })
}

/// The number and the length of the placeholder that `object` begins with.
fn placeholder(object: &str) -> Option<(usize, usize)> {
    let within = &object.as_bytes()[..object.len().min(PLACEHOLDER_BYTES_MAX)];
    let len = within.iter().position(|byte| *byte == b'}')? + 1;
    let found: Placeholder = serde_json::from_str(&object[..len]).ok()?;
    found.is_one.then_some((found.num, len))
}

#[cfg(test)]
mod tests {
    //! Which objects are placeholders, and that nothing else changes.

    use super::*;

    fn of(json: &str, attachments: &[&'static [u8]]) -> Result<String, Unfit> {
        let attachments: Vec<Bytes> = attachments.iter().copied().map(Bytes::from_static).collect();
        filled(json, &attachments, 1_000)
    }

    #[test]
    fn attachments_stand_where_their_placeholders_were() {
        let json = r#"{"a" : {"_placeholder":true,"num":1}, "b":[{ "num": 0, "_placeholder": true }]},1.0"#;
        assert_eq!(
            of(json, &[b"\x01\x02", b"\xff"]).unwrap(),
            r#"{"a" : {"$binary":"/w=="}, "b":[{"$binary":"AQI="}]},1.0"#
        );
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for json in [
            r#""{\"_placeholder\":true,\"num\":0}""#,
            r#"{"_placeholder":false,"num":0}"#,
            r#"{"_placeholder":true,"num":0,"more":1}"#,
            r#"{"_placeholder":true,"num":-1}"#,
            r#""\\",{"é":"{}"}"#,
            "",
        ] {
            assert_eq!(of(json, &[b"\x01"]).as_deref(), Ok(json));
        }
    }

    #[test]
    fn without_attachments_nothing_is_one() {
        let json = r#"{"_placeholder":true,"num":0}"#;
        assert_eq!(of(json, &[]).as_deref(), Ok(json));
    }

    #[test]
    fn one_that_names_no_attachment_is_refused() {
        let json = r#"{"_placeholder":true,"num":1}"#;
        assert_eq!(of(json, &[b"\x01"]), Err(Unfit::NoAttachment));
    }

    #[test]
    fn an_attachment_in_many_places_is_bounded() {
        let json = [r#"{"_placeholder":true,"num":0}"#; 20].join(",");
        assert_eq!(of(&json, &[&[0; 100]]), Err(Unfit::TooLarge));
    }
}
