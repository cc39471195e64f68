//! The messages of a copy worker, field by field as a real one writes them.

use std::fmt::Write as _;

use serde::Serialize;

use crate::demo::copying::{File, Script};

/// Milliseconds since the epoch that all files of the demo carry.
const WRITTEN_AT: u64 = 1_587_783_183_908;
const USER: u32 = 5;
const COPY_TASK: u32 = 10;
const DIRECTORY: u32 = 10;
const PLAIN_FILE: u32 = 30;

/// One message. Fields are in the worker's order, which has `count` in one of two places.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    identity: &'a str,
    user_identity: u32,
    r#type: u32,
    name: &'a str,
    #[serde(flatten)]
    file: Option<FileState>,
    source: Entry<'a>,
    destination: Entry<'a>,
    #[serde(flatten)]
    outcome: Option<Outcome>,
    status: i32,
    #[serde(flatten)]
    error: Option<ErrorState<'a>>,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct FileState {
    progress: u32,
    size: u64,
    count: usize,
}

#[derive(Debug, Serialize)]
struct Outcome {
    count: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorState<'a> {
    error_code: u32,
    error_message: &'a str,
}

/// A file or folder as the worker's storage describes it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the worker's own form")]
struct Entry<'a> {
    identity: String,
    hash: String,
    user_identity: u32,
    path: String,
    name: &'a str,
    ext: String,
    size: u64,
    mime: &'a str,
    deleted: bool,
    hidden: bool,
    label: u32,
    parent: String,
    r#type: u32,
    directory: bool,
    atime: u64,
    ctime: u64,
    mtime: u64,
    version: u32,
    locking: bool,
    op: u32,
    preview: bool,
    preview_type: u32,
    flag: u32,
    unique_identity: String,
    share: bool,
    download_address: &'a str,
    lock_time: u64,
    children: usize,
    children_total: usize,
    sticky: u32,
}

/// How far the current file is; `done` files are behind it.
pub(super) fn progress(script: &Script, identity: &str, done: usize, percent: u32) -> Vec<u8> {
    written(&about_file(script, identity, done, percent))
}

/// The user cancelled while a file was being copied.
pub(super) fn cancelled(script: &Script, identity: &str, done: usize, percent: u32) -> Vec<u8> {
    let message = about_file(script, identity, done, percent);
    written(&Message { status: -1, action: "cancel", ..message })
}

/// All files were copied.
pub(super) fn complete(script: &Script, identity: &str) -> Vec<u8> {
    let error = ErrorState { error_code: 0, error_message: "" };
    written(&Message { error: Some(error), ..about_folder(script, identity, script.files.len()) })
}

/// There was no room for the rest.
pub(super) fn full(script: &Script, identity: &str, done: usize) -> Vec<u8> {
    let error = ErrorState { error_code: 5003, error_message: "destination is full" };
    let message = about_folder(script, identity, done);
    written(&Message { error: Some(error), event: Some("file.error"), ..message })
}

fn written(message: &Message<'_>) -> Vec<u8> {
    serde_json::to_vec(message).expect("a struct of texts and numbers is JSON")
}

fn about_file<'a>(script: &Script, identity: &'a str, done: usize, percent: u32) -> Message<'a> {
    let file = &script.files[done];
    Message {
        identity,
        user_identity: USER,
        r#type: COPY_TASK,
        name: file.name,
        file: Some(FileState { progress: percent, size: file.size_bytes, count: done }),
        source: file_entry(script.source, file),
        destination: file_entry(script.destination, file),
        outcome: None,
        status: 100,
        error: None,
        action: "copy",
        event: None,
    }
}

fn about_folder<'a>(script: &Script, identity: &'a str, done: usize) -> Message<'a> {
    let children = script.files.len();
    let source = Entry {
        size: script.files.iter().map(|file| file.size_bytes).sum(),
        children,
        children_total: children,
        ..folder_entry(script.source)
    };
    let path = format!("/{}", script.destination);
    let destination =
        Entry { identity: made_up(&path, 32), user_identity: USER, path, ..Entry::default() };
    Message {
        identity,
        user_identity: USER,
        r#type: COPY_TASK,
        name: script.source,
        file: None,
        source,
        destination,
        outcome: Some(Outcome { count: done }),
        status: 1000,
        error: None,
        action: "copy",
        event: None,
    }
}

fn file_entry(folder: &str, file: &File) -> Entry<'static> {
    let path = format!("/{folder}/{}", file.name);
    let ext = file.name.rsplit_once('.').map_or_else(String::new, |(_, ext)| format!(".{ext}"));
    Entry {
        hash: made_up(file.name, 33),
        size: file.size_bytes,
        mime: file.mime,
        parent: made_up(folder, 32),
        r#type: PLAIN_FILE,
        preview_type: 3010,
        ext,
        ..entry(path, file.name)
    }
}

fn folder_entry(folder: &'static str) -> Entry<'static> {
    let parent = made_up("", 32);
    let mime = "text/directory";
    Entry {
        mime,
        parent,
        r#type: DIRECTORY,
        directory: true,
        ..entry(format!("/{folder}"), folder)
    }
}

fn entry(path: String, name: &'static str) -> Entry<'static> {
    Entry {
        identity: made_up(&path, 32),
        unique_identity: format!("{}-{USER}", made_up(&path, 20)),
        user_identity: USER,
        atime: WRITTEN_AT,
        ctime: WRITTEN_AT,
        mtime: WRITTEN_AT,
        path,
        name,
        ..Entry::default()
    }
}

/// Hexadecimal digits that are the same for the same text (FNV-1a, over and over).
fn made_up(text: &str, len: usize) -> String {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut digits = String::new();
    while digits.len() < len {
        for byte in text.bytes().chain([0xff]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        write!(digits, "{state:016x}").expect("a String takes all");
    }
    digits.truncate(len);
    digits
}

#[cfg(test)]
mod tests {
    //! That the messages look like the real worker's samples.

    use serde_json::Value;

    use super::*;
    use crate::demo::copying::SCRIPTS;

    /// The order of a message's fields, two levels deep, with the kinds of their values.
    fn shape(json: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(json).unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        let mut shape = Vec::new();
        for (key, value) in value.as_object().unwrap() {
            shape.push(format!("{key}: {}", kind(value)));
            for (inner, value) in value.as_object().into_iter().flatten() {
                shape.push(format!("{key}.{inner}: {}", kind(value)));
            }
        }
        shape.sort();
        shape
    }

    fn kind(value: &Value) -> &'static str {
        match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    #[test]
    fn every_message_is_shaped_like_the_workers_own() {
        let (script, id) = (&SCRIPTS[0], "copy_x_5");
        let samples: [(&[u8], Vec<u8>); 4] = [
            (include_bytes!("../../../notice/samples/progress.json"), progress(script, id, 0, 80)),
            (include_bytes!("../../../notice/samples/cancel.json"), cancelled(script, id, 0, 80)),
            (include_bytes!("../../../notice/samples/complete.json"), complete(script, id)),
            (include_bytes!("../../../notice/samples/error.json"), full(script, id, 1)),
        ];
        for (sample, ours) in samples {
            assert_eq!(shape(&ours), shape(sample));
        }
    }
}
