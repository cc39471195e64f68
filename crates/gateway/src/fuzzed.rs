//! What the fuzzer feeds: readers of what clients send, with what must hold whatever the bytes are.
//!
//! None of them may panic. Behind the feature `fuzzing`, and replayed over the seeds by the tests.

#![cfg_attr(not(feature = "fuzzing"), expect(unreachable_pub, reason = "the fuzzer is outside"))]

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use bytes::Bytes;
use engineioxide_core::Str;
use http::{HeaderMap, HeaderName, HeaderValue};
use socketioxide_core::parser::ParseConfig;

use crate::{
    engine::{self, Dialect, Frames, Reads},
    proxies::{ForwardedHeader, Proxies, introduced_by, read_network},
    socket::{self, Identity, Partial, Query, Source},
    uplink,
};

/// The limit of a message while the fuzzer is at work.
const MESSAGE_BYTES_MAX: usize = 4096;
const V3: Dialect = Dialect::Engine3 { reads: Reads::Both };

/// Frames of a WebSocket: whatever the pieces in which they arrive, they are the same. The first byte says how
/// long those are.
pub fn websocket(bytes: &[u8]) {
    let Some((piece, bytes)) = bytes.split_first() else { return };
    let Ok(whole) = Frames::default().feed(bytes, MESSAGE_BYTES_MAX) else { return };
    let mut frames = Frames::default();
    let mut heard = Vec::new();
    for piece in bytes.chunks(usize::from(*piece).max(1)) {
        heard.extend(frames.feed(piece, MESSAGE_BYTES_MAX).expect("the whole was no error"));
    }
    assert_eq!(heard, whole);
}

/// Bodies of polling, in each form that there is: nothing comes out that did not go in.
pub fn polling_body(bytes: &[u8]) {
    let binary = HeaderValue::from_static("application/octet-stream");
    for (dialect, kind) in [(V3, None), (V3, Some(&binary)), (Dialect::Engine4, None)] {
        let read = engine::decode_body(dialect, kind, Bytes::copy_from_slice(bytes));
        let packets = read.unwrap_or_default();
        assert!(packets.len() <= bytes.len(), "{packets:?}");
    }
}

/// Socket.IO packets with their attachments, one after the other: each begins with its kind and its length.
pub fn packets(bytes: &[u8]) {
    let config = ParseConfig {
        max_incoming_binary_buf_size: MESSAGE_BYTES_MAX,
        max_incoming_binaries: 4,
        packet_completion_timeout: Duration::from_secs(30),
    };
    let partial = Partial::default();
    let mut rest = bytes;
    while let [kind, len, behind @ ..] = rest {
        let (part, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        let packet = match std::str::from_utf8(part) {
            Ok(text) if kind % 2 == 0 => partial.text(&config, Str::copy_from_slice(text)),
            _ => partial.binary(&config, Bytes::copy_from_slice(part)),
        };
        if let Ok(Some(packet)) = packet {
            socket::read_as_call(packet);
        }
        rest = behind;
    }
}

/// A namespace with its query, and the same as `auth`.
pub fn namespace(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (_, query) = text.split_once('?').unwrap_or((text, ""));
    let query = Query::new(query);
    drop(Identity::of(&Source::query(query), &Source::default()));
    assert!(query.pairs().len() <= text.len());
    if let Ok(auth) = Source::auth(Some(text)) {
        drop(Identity::of(&auth, &Source::query(query)));
    }
}

/// The headers by which a proxy names a client: who is not believed changes nothing, and nobody is named by what
/// holds no address.
pub fn forwarded(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for (header, name) in [
        (ForwardedHeader::XForwardedFor, "x-forwarded-for"),
        (ForwardedHeader::Forwarded, "forwarded"),
    ] {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
        let nobody = Proxies { header, ..Proxies::default() };
        assert_eq!(nobody.client(peer, &headers), Ok(peer));
        let trusted = ["127.0.0.0/8", "10.0.0.0/8"].into_iter().filter_map(read_network).collect();
        let some = Proxies { trusted, ..nobody };
        if some.client(peer, &headers).is_ok_and(|client| client != peer) {
            assert!(bytes.contains(&b'.') || bytes.contains(&b':'));
        }
    }
}

/// The header of the PROXY protocol: nobody is named by what does not begin as one.
pub fn introduction(bytes: &[u8]) {
    if let Ok(Some(_client)) = introduced_by(bytes) {
        assert!(bytes.starts_with(b"PROXY ") || bytes.starts_with(b"\r\n\r\n\0\r\nQUIT\n"));
    }
}

/// Placeholders of attachments: what is filled is JSON if it was JSON before. The first byte says how many
/// attachments there are.
pub fn placeholders(bytes: &[u8]) {
    let Some((count, bytes)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let list = format!("[{text}]");
    if serde_json::from_str::<&serde_json::value::RawValue>(&list).is_err() {
        return;
    }
    let attachments = vec![Bytes::from_static(b"\x00\xff"); usize::from(count % 4)];
    if let Ok(filled) = uplink::filled(text, &attachments, MESSAGE_BYTES_MAX) {
        let list = format!("[{filled}]");
        let read = serde_json::from_str::<&serde_json::value::RawValue>(&list);
        assert!(filled.len() <= MESSAGE_BYTES_MAX && read.is_ok(), "{filled}");
    }
}

#[cfg(test)]
mod tests;
