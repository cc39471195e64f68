//! Worker messages in a file or on standard input: one, an array, or one on each line.
//!
//! Promise: bytes come out as they went in, and no more than one message and the first few megabytes
//! are in memory at a time. A line stream is read as it comes, so a pipe that never ends works.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    ops::ControlFlow,
    path::Path,
};

use anyhow::{Context as _, anyhow};
use serde::de::{DeserializeSeed, Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The longest line that is read as a message; the node takes 256 KiB.
const LINE_BYTES_MAX: usize = 1024 * 1024;
/// What is read at once to tell a single message over several lines from a message on each.
const WHOLE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How messages stand in their source, and so how they can be sent on unchanged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// Each a JSON value, maybe over several lines.
    Values,
    /// Each a line, which may be anything.
    Lines,
}

/// What the reader does with each message; `Break` ends the reading.
type Each<'a> = dyn FnMut(Form, Vec<u8>) -> ControlFlow<()> + 'a;

/// Opens a file, or standard input for `-`.
pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    Ok(Box::new(file))
}

/// Hands every message to `each`, in order.
pub(super) fn read(source: impl Read, each: &mut Each<'_>) -> anyhow::Result<()> {
    let mut source = BufReader::with_capacity(64 * 1024, source);
    let Some(first) = line(&mut source)? else { return Ok(()) };
    let begins_array = first.trim_ascii_start().starts_with(b"[");
    if !begins_array && serde_json::from_slice::<&RawValue>(&first).is_ok() {
        return lines(first, source, each);
    }
    let mut head = first;
    head.push(b'\n');
    let room = WHOLE_BYTES_MAX.saturating_sub(head.len()) as u64;
    source.by_ref().take(room).read_to_end(&mut head).context("read input")?;
    if begins_array {
        return array(head.chain(source), each);
    }
    if let Some(values) = values(&head) {
        let _ended = values.into_iter().try_for_each(|value| each(Form::Values, value.to_vec()));
        return Ok(());
    }
    let mut source = BufReader::new(head.chain(source));
    match line(&mut source)? {
        Some(first) => lines(first, source, each),
        None => Ok(()),
    }
}

/// The values that `head` consists of, one after another; broken as a whole, it is one. `None` when
/// it has a message on each line, or is not all there is.
fn values(head: &[u8]) -> Option<Vec<&[u8]>> {
    let json = serde_json::Deserializer::from_slice(head).into_iter::<&RawValue>();
    if let Ok(values) = json.collect::<Result<Vec<_>, _>>() {
        return Some(values.into_iter().map(|value| value.get().as_bytes()).collect());
    }
    let is_message =
        |line: &[u8]| line.starts_with(b"{") && serde_json::from_slice::<&RawValue>(line).is_ok();
    let has_lines =
        head.len() >= WHOLE_BYTES_MAX || head.split(|byte| *byte == b'\n').any(is_message);
    (!has_lines).then(|| vec![head.trim_ascii()])
}

fn lines(first: Vec<u8>, mut source: impl BufRead, each: &mut Each<'_>) -> anyhow::Result<()> {
    let mut next = Some(first);
    while let Some(line_) = next {
        if each(Form::Lines, line_).is_break() {
            return Ok(());
        }
        next = line(&mut source)?;
    }
    Ok(())
}

/// The next line that is not blank, without its end.
fn line(source: &mut impl BufRead) -> anyhow::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read =
            source.by_ref().take(limit).read_until(b'\n', &mut line).context("read input")?;
        if read > LINE_BYTES_MAX {
            return Err(anyhow!("read input: a line is longer than {LINE_BYTES_MAX} bytes"));
        }
        if read == 0 {
            return Ok(None);
        }
        let text = line.trim_ascii_end().len();
        line.truncate(text);
        if !line.is_empty() {
            return Ok(Some(line));
        }
    }
}

fn array(source: impl Read, each: &mut Each<'_>) -> anyhow::Result<()> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(source));
    let mut elements = Elements { each, ended: false };
    let result = json.deserialize_seq(&mut elements);
    let ended = elements.ended;
    match result {
        Err(error) if !ended => Err(error).context("read input as a JSON array"),
        Ok(()) if !ended => json.end().context("read input after its JSON array"),
        _ => Ok(()),
    }
}

/// Hands on an array's elements while it is being read.
struct Elements<'a, 'b> {
    each: &'a mut Each<'b>,
    ended: bool,
}

impl<'de> Visitor<'de> for &mut Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(value) = seq.next_element_seed(Element)? {
            if (self.each)(Form::Values, value.get().as_bytes().to_vec()).is_break() {
                self.ended = true;
                return Ok(());
            }
        }
        Ok(())
    }
}

struct Element;

impl<'de> DeserializeSeed<'de> for Element {
    type Value = Box<RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        serde::Deserialize::deserialize(json)
    }
}

#[cfg(test)]
mod tests {
    //! What is one message, and what are several.

    use super::*;

    fn read_all(text: &str) -> anyhow::Result<Vec<(Form, String)>> {
        let mut messages = Vec::new();
        read(text.as_bytes(), &mut |form, message| {
            messages.push((form, String::from_utf8(message).unwrap()));
            ControlFlow::Continue(())
        })?;
        Ok(messages)
    }

    #[test]
    fn an_object_over_several_lines_is_one_message_byte_for_byte() {
        let text = "{\n  \"a\": 1.0,\n  \"b\": \"\\u00e4\"\n}";
        let messages = read_all(&format!("{text}\n")).unwrap();
        assert_eq!(messages, [(Form::Values, text.to_owned())]);
    }

    #[test]
    fn each_element_of_an_array_is_a_message() {
        let messages = read_all("[{\"a\": 1},\n {\"b\": 2}]\n").unwrap();
        let texts: Vec<_> = messages.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["{\"a\": 1}", "{\"b\": 2}"]);
    }

    #[test]
    fn a_broken_line_among_good_ones_is_handed_on_as_it_is() {
        let messages = read_all("{\"a\":1}\n\n{broken\n{\"b\":2}").unwrap();
        let texts: Vec<_> = messages.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["{\"a\":1}", "{broken", "{\"b\":2}"]);
        assert!(messages.iter().all(|(form, _)| *form == Form::Lines));
    }

    #[test]
    fn a_broken_first_line_does_not_hide_the_rest() {
        let messages = read_all("{broken\n{\"b\":2}\n").unwrap();
        assert_eq!(messages.len(), 2);
    }

    #[test]
    fn objects_over_several_lines_may_follow_each_other() {
        let messages = read_all("{\n\"a\": 1\n}{\n\"b\": 2\n}\n").unwrap();
        let texts: Vec<_> = messages.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["{\n\"a\": 1\n}", "{\n\"b\": 2\n}"]);
    }

    #[test]
    fn one_broken_object_over_several_lines_is_one_message() {
        let messages = read_all("{\n\"a\": 1,\n\"b\": \n}\n").unwrap();
        assert_eq!(messages.len(), 1);
    }

    #[test]
    fn an_array_that_ends_early_is_an_error() {
        let error = read_all("[{\"a\":1},").unwrap_err();
        assert!(format!("{error:#}").contains("JSON array"));
    }

    #[test]
    fn nothing_is_no_message() {
        assert_eq!(read_all(" \n\n").unwrap(), []);
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_is_in_memory() {
        let error = read_all(&"x".repeat(LINE_BYTES_MAX + 2)).unwrap_err();
        assert!(error.to_string().contains("longer than"));
    }
}
