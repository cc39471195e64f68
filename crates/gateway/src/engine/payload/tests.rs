//! Each form of body, and what each generation makes of it.

use std::sync::Arc;

use bytes::Bytes;
use engineioxide_core::{Packet, Str};
use http::HeaderValue;
use socketioxide_core::{Value, packet};

use super::{decode, encode};
use crate::{
    encoded::Encoded,
    engine::dialect::{Dialect, Reads},
};

const V3: Dialect = Dialect::Engine3 { reads: Reads::Both };
const V3_B64: Dialect = Dialect::Engine3 { reads: Reads::Text };
const V3_BINARY: Dialect = Dialect::Engine3 { reads: Reads::Binary };

fn text(text: &str) -> Arc<Encoded> {
    Encoded::message(text)
}

fn with_attachment() -> Arc<Encoded> {
    let json = r#"["a",{"_placeholder":true,"num":0}]"#;
    let bytes = Bytes::from_static(&[1, 2, 3, 4]);
    let value = Value::Str(json.into(), Some([bytes].into()));
    Encoded::packet(packet::Packet::event("/", value))
}

fn body(dialect: Dialect, packets: &[Arc<Encoded>]) -> (String, Vec<u8>) {
    let (kind, body) = encode(dialect, packets);
    (kind.to_str().unwrap().to_owned(), body.to_vec())
}

#[test]
fn engine_io_4_joins_by_the_separator() {
    let (kind, bytes) = body(Dialect::Engine4, &[text("2[\"é\"]"), with_attachment()]);
    assert!(kind.starts_with("text/plain"));
    let expected = "42[\"é\"]\u{1e}451-[\"a\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn ascii_is_text_for_every_engine_io_3_client() {
    for dialect in [V3, V3_B64] {
        let (kind, bytes) = body(dialect, &[text("2[1]"), Encoded::text_only("3")]);
        assert!(kind.starts_with("text/plain"));
        assert_eq!(bytes, b"5:42[1]1:3");
    }
}

#[test]
fn other_text_is_binary_on_engine_io_3_and_escaped_where_binary_cannot_be_read() {
    let (kind, bytes) = body(V3, &[text("2[\"測📄\"]")]);
    assert_eq!(kind, "application/octet-stream");
    let packet = "42[\"測📄\"]".as_bytes();
    assert_eq!(bytes, [&[0, 1, 3, 0xff], packet].concat());

    let (kind, bytes) = body(V3_B64, &[text("2[\"測📄\"]")]);
    assert!(kind.starts_with("text/plain"));
    assert_eq!(bytes, b"24:42[\"\\u6e2c\\ud83d\\udcc4\"]");
}

#[test]
fn the_oldest_clients_get_even_ascii_as_binary() {
    let (kind, bytes) = body(V3_BINARY, &[text("2[1]")]);
    assert_eq!(kind, "application/octet-stream");
    assert_eq!(bytes, b"\x00\x05\xff42[1]");
}

#[test]
fn attachments_are_packets_of_their_own_on_engine_io_3() {
    let (_, bytes) = body(V3, &[with_attachment()]);
    assert!(bytes.ends_with(&[1, 5, 0xff, 4, 1, 2, 3, 4]));
    let (_, bytes) = body(V3_B64, &[with_attachment()]);
    assert!(bytes.ends_with(b"10:b4AQIDBA=="));
}

fn decoded(dialect: Dialect, kind: &'static str, body: Vec<u8>) -> Vec<Packet> {
    decode(dialect, Some(&HeaderValue::from_static(kind)), body.into()).unwrap()
}

#[test]
fn what_is_encoded_can_be_decoded() {
    let expected = [Packet::Message(Str::from("2[\"測📄\"]"))];
    for (dialect, kind) in
        [(Dialect::Engine4, "text/plain;charset=UTF-8"), (V3, "application/octet-stream")]
    {
        let (_, bytes) = body(dialect, &[text("2[\"測📄\"]")]);
        assert_eq!(decoded(dialect, kind, bytes), expected);
    }
}

#[test]
fn a_text_of_a_client_1_that_is_encoded_twice_reads_like_one_of_a_client_2() {
    let packet = "42[\"測📄é\"]";
    let as_bytes: String = packet.bytes().map(char::from).collect();
    let twice = format!("{}:{as_bytes}", packet.len()).into_bytes();
    let once = format!("{}:{packet}", packet.encode_utf16().count()).into_bytes();
    let expected = [Packet::Message(Str::from("2[\"測📄é\"]"))];
    assert_eq!(decoded(V3_B64, "text/plain;charset=UTF-8", twice), expected);
    assert_eq!(decoded(V3_B64, "text/plain;charset=UTF-8", once), expected);
}

#[test]
fn what_is_no_payload_is_an_error() {
    for body in [
        "abc",
        "9:4hello",
        "1:4hello",
        ":2",
        "-1:2",
        "+1:2",
        "2:4🙂",
        "99999999999999999999:2",
        "6:44\"\"é🙂\"2:b4",
    ] {
        assert!(decode(V3, None, Bytes::from_static(body.as_bytes())).is_err(), "{body}");
    }
    for body in ["abc", "\u{1e}", "3\u{1e}\u{1e}3", "\u{1e}3"] {
        let read = decode(Dialect::Engine4, None, Bytes::from_static(body.as_bytes()));
        assert!(read.is_err(), "{body:?}");
    }
    let kind = HeaderValue::from_static("application/octet-stream");
    for body in [&b"\0\x01"[..], b"\0\x02\xff4", b"\0\xff", b"\x02\x01\xff4", b"\x01\x01\xff5"] {
        assert!(decode(V3, Some(&kind), Bytes::from_static(body)).is_err(), "{body:?}");
    }
}

#[test]
fn several_packets_are_taken_apart_and_what_is_empty_is_none() {
    let texts = |packets: Vec<Packet>| packets.into_iter().map(String::from).collect::<Vec<_>>();
    assert_eq!(texts(decoded(V3, "text/plain", "3:4🙂0:1:2".into())), ["4🙂", "2"]);
    assert_eq!(
        texts(decoded(Dialect::Engine4, "text/plain", "4a\u{1e}3\u{1e}".into())),
        ["4a", "3"]
    );
    for dialect in [V3, Dialect::Engine4] {
        assert_eq!(decoded(dialect, "text/plain", Vec::new()), []);
    }
    let both = b"\0\x02\xff4a\x01\x03\xff\x04\x01\x02".to_vec();
    assert_eq!(texts(decoded(V3, "application/octet-stream", both)), ["4a", "b4AQI="]);
}
