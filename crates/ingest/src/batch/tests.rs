//! How a body is taken apart.

use bytes::Bytes;
use proptest::prelude::*;

use crate::{BODY_BYTES_MAX, Batch, BatchError, MESSAGES_MAX};

fn read(body: &str) -> Result<Vec<String>, BatchError> {
    read_as(body, None)
}

fn read_as(body: &str, content_type: Option<&str>) -> Result<Vec<String>, BatchError> {
    let batch = Batch::read(&Bytes::copy_from_slice(body.as_bytes()), content_type)?;
    let text = |json: &Bytes| String::from_utf8(json.to_vec()).unwrap();
    Ok(batch.messages().iter().map(text).collect())
}

fn is_broken_array(body: &str) -> bool {
    matches!(read(body), Err(BatchError::BrokenArray { .. }))
}

#[test]
fn one_object_is_one_message_however_it_is_laid_out() {
    let pretty = "{\n  \"a\" : [\n{\"b\":1}\n]\n}";
    assert_eq!(read(&format!("\n {pretty} \n")).unwrap(), [pretty]);
}

#[test]
fn an_arrays_elements_are_messages_as_written() {
    let body = " [ {\"a\" : 1.0} ,\n 7, [1, 2],{\"a\":\"\\u4e03\"}]\n";
    assert_eq!(read(body).unwrap(), ["{\"a\" : 1.0}", "7", "[1, 2]", "{\"a\":\"\\u4e03\"}"]);
    assert_eq!(read("[]").unwrap(), [""; 0]);
}

#[test]
fn a_broken_array_is_refused_whole() {
    for body in [
        "[",
        "[{\"a\":1},]",
        "[{\"a\":1}",
        "[\n{\"a\":1},\n{\"b\":2}\n",
        "[1] {\"a\":1}",
        "[1]\n[2]",
    ] {
        assert!(is_broken_array(body), "{body}");
    }
    let not_utf8 = Batch::read(&Bytes::from_static(b"[\"\xff\"]"), None);
    assert!(matches!(not_utf8, Err(BatchError::BrokenArray { .. })));
}

#[test]
fn lines_are_recognised_without_a_content_type() {
    assert_eq!(read("{\"a\":1}\r\n\n{\"b\":2}\n").unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
    assert_eq!(
        read("{\"a\":1}\n{\"b\":\n{\"c\":3}").unwrap(),
        ["{\"a\":1}", "{\"b\":", "{\"c\":3}"]
    );
    assert_eq!(read("garbage\n{\"b\":2}").unwrap(), ["garbage", "{\"b\":2}"]);
}

#[test]
fn a_broken_object_on_several_lines_is_one_message() {
    for broken in ["{\n  \"a\": {\"b\":1},\n  \"c\": \n}", "{\n\"a\":\n7\n,}"] {
        assert_eq!(read(broken).unwrap(), [broken]);
    }
}

#[test]
fn a_content_type_of_ndjson_decides() {
    for content_type in
        ["application/x-ndjson", "Application/NDJSON; charset=utf-8", "application/jsonl"]
    {
        assert_eq!(read_as("[1]\n{\n", Some(content_type)).unwrap(), ["[1]", "{"]);
    }
    assert_eq!(read_as("[1]", Some("application/json")).unwrap(), ["1"]);
}

#[test]
fn an_empty_body_is_refused() {
    assert_eq!(read(" \r\n"), Err(BatchError::Empty));
    assert_eq!(read_as("", Some("application/x-ndjson")), Err(BatchError::Empty));
}

#[test]
fn at_most_10_000_messages_are_taken() {
    let too_many = BatchError::TooMany { len_max: MESSAGES_MAX };
    let array = |len: usize| format!("[{}]", vec!["1"; len].join(","));
    let lines = |len: usize| vec!["{}"; len].join("\n");
    for body in [&array, &lines] as [&dyn Fn(usize) -> String; 2] {
        assert_eq!(read(&body(MESSAGES_MAX)).unwrap().len(), MESSAGES_MAX);
        assert_eq!(read(&body(MESSAGES_MAX + 1)), Err(too_many.clone()));
    }
    assert!(too_many.is_too_large());
}

#[test]
fn at_most_8_mib_are_taken() {
    let error = read(&" ".repeat(BODY_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(error.to_string(), "read body: got 8388609 bytes, expected at most 8388608");
    assert!(error.is_too_large());
}

#[test]
fn deep_nesting_is_read_without_recursion() {
    let deep = format!("[{}{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(read(&deep).unwrap().len(), 1);
    assert!(is_broken_array(&"[".repeat(1_000_000)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_body_is_read_or_refused(body in "[\\[\\]{}\",:1a\n ]{0,40}") {
        if let Ok(messages) = read(&body) {
            prop_assert!(messages.iter().all(|message| body.contains(message.as_str())));
        }
    }
}
