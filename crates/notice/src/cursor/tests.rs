//! What a client may say it has seen, and that it reads back.

use proptest::{collection::vec, prelude::*};

use crate::{
    Audience, Cursor, CursorError, Epoch, NoticeId, Position, audience::tests::any_audience,
};

fn id(text: &str) -> NoticeId {
    text.parse().unwrap()
}

fn cursor(text: &str) -> Result<Cursor, CursorError> {
    text.parse()
}

fn audience(text: &str) -> Audience {
    text.parse().unwrap()
}

fn any_id() -> impl Strategy<Value = NoticeId> {
    (any_audience(), "[0-9A-Za-z]{1,32}", any::<u64>()).prop_map(|(audience, epoch, seq)| {
        NoticeId { audience, position: Position { epoch: Epoch::new(&epoch).unwrap(), seq } }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_id_reads_back(id in any_id()) {
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn any_cursor_reads_back(ids in vec(any_id(), 0..8)) {
        let mut cursor = Cursor::default();
        for id in ids {
            cursor.advance(id);
        }
        prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        if let Ok(read) = cursor(&text) {
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }
    }
}

#[test]
fn a_cursor_names_a_position_of_each_audience() {
    let cursor = cursor("user:5@/notice:a-7,room:5@/notice:b-9").unwrap();
    assert_eq!(cursor.position(&audience("user:5@/notice")), Some(&id("user:5@/:a-7").position));
    assert_eq!(cursor.position(&audience("room:5@/notice")), Some(&id("user:5@/:b-9").position));
    assert_eq!(cursor.position(&audience("user:5@/")), None);
    assert!(!cursor.is_empty());
}

#[test]
fn an_empty_text_is_an_empty_cursor() {
    assert!(cursor("").unwrap().is_empty());
}

#[test]
fn one_bad_id_refuses_the_whole_cursor() {
    for text in [",", "user:5@/notice:a-7,", "user:5@/notice:a-7,7"] {
        assert!(matches!(cursor(text), Err(CursorError::Id(_))), "{text:?}");
    }
}

#[test]
fn an_audience_named_twice_is_refused() {
    let repeated = CursorError::Repeated { audience: audience("user:5@/notice") };
    assert_eq!(cursor("user:5@/notice:a-7,user:5@/notice:a-8"), Err(repeated));
}

#[test]
fn at_most_64_ids_are_read() {
    let ids = |n| (0..n).map(|n| format!("user:{n}@/:a-1")).collect::<Vec<_>>().join(",");
    assert!(cursor(&ids(64)).is_ok());
    assert_eq!(cursor(&ids(65)), Err(CursorError::TooMany { len_max: 64 }));
}

#[test]
fn at_most_8_kib_are_read() {
    let too_long = CursorError::TooLong { len_bytes: 8193, len_bytes_max: 8192 };
    assert_eq!(cursor(&"x".repeat(8193)), Err(too_long));
}

#[test]
fn advancing_moves_one_audience_and_leaves_the_others() {
    let mut cursor = cursor("user:5@/:a-7,room:5@/:b-9").unwrap();
    cursor.advance(id("user:5@/:a-8"));
    assert_eq!(cursor.to_string(), "room:5@/:b-9,user:5@/:a-8");
}

#[test]
fn past_64_audiences_the_one_that_moved_least_lately_is_left_out() {
    let mut cursor = Cursor::default();
    for n in 0..64 {
        cursor.advance(id(&format!("user:{n}@/:a-1")));
    }
    cursor.advance(id("user:0@/:a-2"));
    cursor.advance(id("user:64@/:a-1"));
    assert_eq!(cursor.position(&audience("user:1@/")), None);
    assert!(cursor.position(&audience("user:0@/")).is_some());
    assert!(cursor.to_string().parse::<Cursor>().is_ok());
}
