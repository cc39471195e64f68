//! Whole messages out of any cut of the bytes, and no message out of bad ones.

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::{FrameError, Frames, Inbound};

const MASK: [u8; 4] = [1, 2, 3, 4];

fn frame(opcode: OpCode, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { is_final, opcode, mask: Some(MASK), ..FrameHeader::default() };
    let mut bytes = Vec::new();
    header.format(payload.len() as u64, &mut bytes).unwrap();
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn text(payload: &str) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), true, payload.as_bytes())
}

#[test]
fn a_message_comes_out_whole_however_it_is_cut() {
    let long = "測試📄".repeat(60);
    let bytes =
        [text("40"), text(&long), frame(OpCode::Control(Control::Pong), true, b"")].concat();
    for cut in 1..bytes.len() {
        let mut frames = Frames::default();
        let mut whole = frames.feed(&bytes[..cut], 10_000).unwrap();
        whole.extend(frames.feed(&bytes[cut..], 10_000).unwrap());
        let expected = [Inbound::Text("40".into()), Inbound::Text(long.clone()), Inbound::Pong];
        assert_eq!(whole, expected, "cut at {cut}");
        assert_eq!(frames.partial.capacity(), 0, "nothing is kept after whole frames");
    }
}

#[test]
fn a_fragmented_message_may_have_a_ping_in_its_middle() {
    let bytes = [
        frame(OpCode::Data(Data::Text), false, b"ab"),
        frame(OpCode::Control(Control::Ping), true, b"x"),
        frame(OpCode::Data(Data::Continue), true, b"cd"),
    ];
    let whole = Frames::default().feed(&bytes.concat(), 100).unwrap();
    assert_eq!(whole, [Inbound::Ping("x".into()), Inbound::Text("abcd".into())]);
}

#[test]
fn a_message_above_the_bound_is_refused_from_its_header_alone() {
    let bytes = text(&"x".repeat(2000));
    assert_eq!(Frames::default().feed(&bytes[..8], 1999), Err(FrameError::TooLarge));
    assert_eq!(Frames::default().feed(&bytes, 2000).unwrap().len(), 1);
}

#[test]
fn a_message_above_the_bound_in_fragments_is_refused_too() {
    let part = frame(OpCode::Data(Data::Text), false, &[b'x'; 60]);
    let rest = frame(OpCode::Data(Data::Continue), true, &[b'x'; 60]);
    let fed = Frames::default().feed(&[part, rest].concat(), 100);
    assert_eq!(fed, Err(FrameError::TooLarge));
}

#[test]
fn a_text_that_is_no_utf8_is_told_apart() {
    let bytes = frame(OpCode::Data(Data::Text), true, b"\xff\xfe");
    assert_eq!(Frames::default().feed(&bytes, 1000), Err(FrameError::NotText));
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let unmasked = b"\x81\x02hi".to_vec();
    let reserved_bit = [&[0xc1], &text("hi")[1..]].concat();
    let reserved_opcode = [&[0x83], &text("hi")[1..]].concat();
    let stray_continuation = frame(OpCode::Data(Data::Continue), true, b"x");
    let long_ping = frame(OpCode::Control(Control::Ping), true, &[0; 126]);
    let cut_ping = frame(OpCode::Control(Control::Ping), false, b"");
    let long_form = [&b"\x81\xfe\x00\x02"[..], &text("hi")[2..]].concat();
    let half_a_code = frame(OpCode::Control(Control::Close), true, b"\x03");
    let reserved_code = frame(OpCode::Control(Control::Close), true, b"\x03\xee");
    let two_starts =
        [frame(OpCode::Data(Data::Text), false, b"a"), frame(OpCode::Data(Data::Text), true, b"b")]
            .concat();
    for bytes in [
        unmasked,
        reserved_bit,
        reserved_opcode,
        stray_continuation,
        long_ping,
        cut_ping,
        long_form,
        half_a_code,
        reserved_code,
        two_starts,
    ] {
        assert_eq!(Frames::default().feed(&bytes, 1000), Err(FrameError::Protocol), "{bytes:x?}");
    }
}
