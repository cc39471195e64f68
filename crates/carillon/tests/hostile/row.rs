//! The form of a table: rows of plain text, each a sentence and, indented below it, what is done and what must
//! come back.
//!
//! ```text
//! an expired token
//!   claims {"exp":${now-60}}
//!   refused token has expired
//! ```
//!
//! In what is sent and expected, `${name}` stands for a value, `${x*9}` for nine times x, `${now-60}` for a
//! minute ago, `\r`, `\n` and `\xNN` for bytes; in what is expected, `…` for whatever there is.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

/// One misdeed.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) sentence: &'static str,
    pub(crate) line: usize,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) verb: &'static str,
    pub(crate) rest: &'static str,
}

/// What `${…}` may stand for.
pub(crate) type Values = HashMap<&'static str, Vec<u8>>;

/// The rows of a table; lines that begin with `#` say something about those that follow.
pub(crate) fn rows(table: &'static str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, text) in table.lines().enumerate() {
        let line = index + 1;
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let Some(step) = text.strip_prefix("  ") else {
            rows.push(Row { sentence: text, line, steps: Vec::new() });
            continue;
        };
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        let row = rows.last_mut().unwrap_or_else(|| panic!("line {line} belongs to no row"));
        row.steps.push(Step { line, verb, rest });
    }
    rows
}

/// The bytes that `text` stands for.
pub(crate) fn bytes(text: &str, values: &Values) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        let taken = if let Some(behind) = rest.strip_prefix("${") {
            let name = name(behind).ok_or_else(|| format!("{rest:?} has no end"))?;
            bytes.extend(value(name, values)?);
            name.len() + 3
        } else {
            let (byte, len) = escaped(rest);
            bytes.push(byte);
            len
        };
        rest = &rest[taken..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// What stands before the brace that ends it. What is repeated may hold braces itself, and ends with a number.
fn name(text: &str) -> Option<&str> {
    let is_whole = |name: &&str| {
        let times = name.rsplit_once('*').map(|(_, times)| times);
        times.map_or(!name.contains('{'), |times| times.parse::<usize>().is_ok())
    };
    text.match_indices('}').map(|(end, _)| &text[..end]).find(is_whole)
}

/// One byte and the length of what stood for it. What is no escape stands for itself.
fn escaped(text: &str) -> (u8, usize) {
    match text.as_bytes() {
        [b'\\', b'r', ..] => (b'\r', 2),
        [b'\\', b'n', ..] => (b'\n', 2),
        [b'\\', b'x', ..] => {
            let digits = text.get(2..4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
            digits.map_or((b'\\', 1), |byte| (byte, 4))
        }
        other => (other[0], 1),
    }
}

fn value(name: &str, values: &Values) -> Result<Vec<u8>, String> {
    if let Some((text, times)) = name.rsplit_once('*') {
        let times: usize = times.parse().map_err(|_| format!("{times:?} is no number"))?;
        return Ok(bytes(text, values)?.repeat(times));
    }
    if let Some(offset) = name.strip_prefix("now") {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let offset: i64 = if offset.is_empty() { 0 } else { offset.parse().unwrap() };
        return Ok(now.saturating_add_signed(offset).to_string().into_bytes());
    }
    values.get(name).cloned().ok_or_else(|| format!("there is no value {name:?} yet"))
}

/// Whether `heard` is what was expected, where `…` is anything.
pub(crate) fn fits(expected: &[u8], heard: &[u8]) -> bool {
    let parts = split(expected);
    let [first, middle @ .., last] = parts.as_slice() else { return expected == heard };
    let Some(mut rest) = heard.strip_prefix(*first) else { return false };
    for part in middle {
        let Some(at) = rest.windows(part.len().max(1)).position(|window| window == *part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn split(expected: &[u8]) -> Vec<&[u8]> {
    let mark = "…".as_bytes();
    let mut parts = Vec::new();
    let mut rest = expected;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        parts.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    parts.push(rest);
    parts
}

/// Bytes as a failure shows them.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    if text.len() > 300 { format!("{}… ({} bytes)", &text[..300], bytes.len()) } else { text }
}

#[test]
fn a_table_is_read_as_it_is_written() {
    let rows = rows("# about\na row\n  say x${y*3}\\x00\n\nanother\n  cut\n");
    assert_eq!((rows.len(), rows[0].sentence, rows[1].line), (2, "a row", 5));
    let step = rows[0].steps[0];
    assert_eq!((step.verb, step.line), ("say", 3));
    assert_eq!(bytes(step.rest, &Values::new()).unwrap(), b"xyyy\0");
    assert_eq!(bytes("${{\\x01}*2}", &Values::new()).unwrap(), b"{\x01}{\x01}");
    assert!(bytes("${none}", &Values::new()).is_err());
}

#[test]
fn what_is_expected_may_have_holes_and_nothing_else() {
    for (expected, heard, fit) in [
        ("abc", "abc", true),
        ("abc", "abcd", false),
        ("a…c", "abbc", true),
        ("a…c", "ac", true),
        ("a…c", "abcd", false),
        ("a…b…c", "axbyc", true),
        ("a…b…c", "axc", false),
    ] {
        assert_eq!(fits(expected.as_bytes(), heard.as_bytes()), fit, "{expected} {heard}");
    }
}
