//! Which emits are taken, whom they are for, and what is said of the others.

use proptest::prelude::*;

use super::*;
use crate::names::Room;

fn read(json: &str) -> Result<Emit, EmitError> {
    Emit::read(json.as_bytes(), SystemTime::UNIX_EPOCH)
}

fn taken(json: &str) -> Draft {
    read(json).unwrap_or_else(|error| panic!("{json}: {error}")).draft
}

/// What is said of an emit of `event` with `more`.
fn refusal(more: &str) -> String {
    read(&format!(r#"{{"event":"e",{more}}}"#)).map(|_| more.to_owned()).unwrap_err().to_string()
}

#[test]
fn an_emit_goes_to_everyone_a_user_a_room_or_a_socket_of_a_namespace() {
    let audience = |json: &str| taken(json).audience.to_string();
    assert_eq!(audience(r#"{"event":"e"}"#), "everyone@/");
    assert_eq!(audience(r#"{"event":"e","namespace":null}"#), "everyone@/");
    assert_eq!(audience(r#"{"event":"e","to":{"user":5},"namespace":"/a"}"#), "user:5@/a");
    assert_eq!(audience(r#"{"event":"e","to":{"room":"5"}}"#), "room:5@/");
    assert_eq!(audience(r#"{"event":"e","to":{"socket":"x"}}"#), "socket:x@/");
}

#[test]
fn several_rooms_are_everyone_narrowed_to_each_once() {
    let draft = taken(r#"{"event":"e","to":{"rooms":["b",1,"a","b"]}}"#);
    assert_eq!(draft.audience.to_string(), "everyone@/");
    let rooms = draft.narrowing.unwrap().rooms.clone();
    assert_eq!(rooms.iter().map(Room::as_str).collect::<Vec<_>>(), ["1", "a", "b"]);
}

#[test]
fn one_room_in_a_list_is_that_room() {
    let draft = taken(r#"{"event":"e","to":{"rooms":["a","a"]}}"#);
    assert_eq!((draft.audience.to_string().as_str(), draft.narrowing), ("room:a@/", None));
}

#[test]
fn an_audience_may_be_narrowed_by_rooms_and_sockets() {
    let json = r#"{"event":"e","to":{"user":"5"},"except":{"rooms":["r"],"sockets":["s"]}}"#;
    let draft = taken(json);
    let narrowing = draft.narrowing.unwrap();
    assert_eq!(draft.audience.to_string(), "user:5@/");
    assert_eq!(narrowing.except_rooms[0].as_str(), "r");
    assert_eq!(narrowing.except_sockets[0].as_str(), "s");
    assert_eq!(taken(r#"{"event":"e","except":{"rooms":[]}}"#).narrowing, None);
}

#[test]
fn data_is_one_argument_and_args_are_several_as_they_are_written() {
    let args = |more: &str| taken(&format!(r#"{{"event":"e"{more}}}"#)).payload.args().to_owned();
    assert_eq!(args(""), "");
    assert_eq!(args(r#","data":null"#), "null");
    assert_eq!(args(r#","data":[1, 2.0]"#), "[1, 2.0]");
    assert_eq!(args(r#","args":[1, { "a" : 1 }]"#), r#"1,{ "a" : 1 }"#);
}

#[test]
fn only_one_socket_may_do_without_an_event() {
    assert_eq!(taken(r#"{"to":{"socket":"x"},"data":1}"#).event, None);
    for json in [r#"{"data":1}"#, r#"{"to":{"room":"x"},"data":1}"#] {
        assert_eq!(read(json).unwrap_err(), EmitError::NoEvent);
    }
}

#[test]
fn it_may_be_volatile_or_local_or_asked() {
    assert_eq!(taken(r#"{"event":"e","volatile":true}"#).kind, Kind::Volatile);
    assert_eq!(taken(r#"{"event":"e","volatile":false}"#).kind, Kind::Plain);
    assert!(read(r#"{"event":"e","scope":"local"}"#).unwrap().is_local);
    let ack = |more: &str| read(&format!(r#"{{"event":"e","ack":{more}}}"#)).unwrap().ack;
    assert_eq!(ack("{}"), Some(Duration::from_secs(5)));
    assert_eq!(ack(r#"{"timeout":"500ms"}"#), Some(Duration::from_millis(500)));
    assert_eq!(ack(r#"{"timeout":"1m"}"#), Some(Duration::from_mins(1)));
}

#[test]
fn what_is_no_time_limit_is_refused() {
    for text in ["61s", "2m", "0s", "5", "s", "", "-1s", "1.5s", "99999999999s", "5 s"] {
        let said = refusal(&format!(r#""ack":{{"timeout":"{text}"}}"#));
        assert!(said.starts_with("ack.timeout: got"), "{said}");
    }
}

#[test]
fn bytes_anywhere_in_the_arguments_become_attachments() {
    let json = r#"{"event":"e","binary":true,
        "args":[{"a":[ {"$binary":"AQL/"}, "$binary", {} ]}, { "$\u0062inary" : "YS9i" }]}"#;
    let payload = taken(json).payload;
    let place = |num| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    let args = format!(r#"{{"a":[ {}, "$binary", {{}} ]}},{}"#, place(0), place(1));
    assert_eq!(payload.args(), args);
    assert_eq!(payload.attachments(), [&b"\x01\x02\xff"[..], b"a/b"]);
}

#[test]
fn without_binary_such_an_object_is_data_like_any_other() {
    let payload = taken(r#"{"event":"e","data":{"$binary":"!"}}"#).payload;
    assert_eq!((payload.args(), payload.attachments().len()), (r#"{"$binary":"!"}"#, 0));
}

#[test]
fn what_is_no_base64_or_has_something_beside_it_is_refused() {
    for data in [
        r#"{"$binary":"AQ"}"#,
        r#"{"$binary":"A-_="}"#,
        r#"{"$binary":"\ud800"}"#,
        r#"{"$binary":1}"#,
        r#"{"$binary":"AQ==","a":1}"#,
        r#"[{"a":1,"$binary":"AQ=="}]"#,
        r#"{"_placeholder":true,"num":0}"#,
        &format!("[{}]", [r#"{"$binary":""}"#; 11].join(",")),
    ] {
        let said = refusal(&format!(r#""binary":true,"data":{data}"#));
        assert!(said.starts_with("binary: "), "{data}: {said}");
    }
}

#[test]
fn attachments_count_towards_the_size() {
    let base64 = "AAAA".repeat(PAYLOAD_BYTES_MAX / 3 + 1);
    let json = format!(r#"{{"event":"e","binary":true,"data":{{"$binary":"{base64}"}}}}"#);
    assert!(matches!(read(&json), Err(EmitError::TooLarge { .. })));
}

#[test]
fn what_is_no_json_is_told_from_what_is_no_emit() {
    for json in ["", "{", r#"{"event":"e"} x"#, "\u{0}"] {
        assert!(matches!(read(json), Err(EmitError::Broken { .. })), "{json}");
    }
    assert!(matches!(Emit::read(b"\"\xff\"", SystemTime::now()), Err(EmitError::Broken { .. })));
    for json in ["1", "null", "[]", "\"\""] {
        assert!(matches!(read(json), Err(EmitError::Field { field: "the body", .. })), "{json}");
    }
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (more, field) in [
        (r#""namespace":5"#, "namespace"),
        (r#""namespace":"notice""#, "namespace"),
        (r#""scope":"everywhere""#, "scope"),
        (r#""volatile":"yes""#, "volatile"),
        (r#""binary":1"#, "binary"),
        (r#""args":{}"#, "args"),
        (r#""ack":5"#, "ack"),
        (r#""ack":{"timeout":5}"#, "ack.timeout"),
        (r#""ack":{"wait":"5s"}"#, "ack"),
        (r#""to":"room""#, "to"),
        (r#""to":{}"#, "to"),
        (r#""to":null"#, "to"),
        (r#""except":null"#, "except"),
        (r#""except":{"rooms":null}"#, "except.rooms"),
        (r#""to":{"user":null}"#, "to.user"),
        (r#""to":{"user":1e3}"#, "to.user"),
        (r#""to":{"user":"5","room":"5"}"#, "to"),
        (r#""to":{"team":"5"}"#, "to"),
        (r#""to":{"room":""}"#, "to.room"),
        (r#""to":{"room":"a\u0000"}"#, "to.room"),
        (r#""to":{"rooms":[]}"#, "to.rooms"),
        (r#""to":{"rooms":"a"}"#, "to.rooms"),
        (r#""to":{"rooms":[null]}"#, "to.rooms"),
        (r#""to":{"socket":["a"]}"#, "to.socket"),
        (r#""except":["a"]"#, "except"),
        (r#""except":{"room":"a"}"#, "except"),
        (r#""except":{"sockets":[1.0e1]}"#, "except.sockets"),
        (r#""compress":true"#, "the body"),
        (r#""event":"f""#, "the body"),
    ] {
        let said = refusal(more);
        assert!(said.starts_with(&format!("{field}: ")), "{more}: {said}");
    }
    assert!(read(r#"{"event":5}"#).unwrap_err().to_string().starts_with("event: "));
    assert_eq!(read(r#"{"event":""}"#).unwrap_err().to_string(), "event is empty");
}

#[test]
fn more_names_than_a_notice_carries_are_refused() {
    let rooms = |len: usize| {
        let rooms: Vec<_> = (0..len).map(|room| room.to_string()).collect();
        format!(r#"{{"event":"e","to":{{"rooms":[{}]}}}}"#, rooms.join(","))
    };
    assert_eq!(taken(&rooms(256)).narrowing.unwrap().rooms.len(), 256);
    let refused = read(&rooms(10_000)).unwrap_err();
    assert!(matches!(refused, EmitError::Names { len: 10_000, len_max: 256, .. }), "{refused}");
    assert!(refused.hint().is_some());
}

#[test]
fn an_error_repeats_little_of_the_body() {
    let long = "x".repeat(1 << 20);
    for more in [
        format!(r#""to":{{"room":"{long}"}}"#),
        format!(r#""scope":"{long}""#),
        format!(r#""ack":{{"timeout":"{long}"}}"#),
    ] {
        assert!(refusal(&more).len() < 300);
    }
}

#[test]
fn nesting_past_128_levels_is_refused() {
    let json = format!(r#"{{"event":"e","data":{}{}}}"#, "[".repeat(128), "]".repeat(128));
    assert!(matches!(read(&json), Err(EmitError::TooDeep { .. })));
}

#[test]
fn two_that_exclude_each_other_are_refused() {
    assert_eq!(refusal(r#""data":1,"args":[]"#), "data and args exclude each other");
    assert_eq!(refusal(r#""volatile":true,"ack":{}"#), "volatile and ack exclude each other");
}

fn downlink(body: &str) -> Result<Draft, EmitError> {
    let json = format!(r#"{{"ROOT":{{"HEADER":{{}},"BODY":{body}}}}}"#);
    Emit::read_downlink(json.as_bytes(), SystemTime::UNIX_EPOCH)
}

#[test]
fn a_downlink_goes_to_a_room_of_the_root_or_to_everyone_there() {
    let audience = |room: &str| {
        let draft = downlink(&format!(r#"{{{room}"eventName":"e","data":1}}"#)).unwrap();
        draft.audience.to_string()
    };
    assert_eq!(audience(""), "everyone@/");
    assert_eq!(audience(r#""roomId":null,"#), "everyone@/");
    assert_eq!(audience(r#""roomId":456,"#), "room:456@/");
    assert_eq!(audience(r#""roomId":"456","#), "room:456@/");
}

#[test]
fn a_downlinks_data_is_untouched_and_absent_it_is_null() {
    let data = |data: &str| {
        let draft = downlink(&format!(r#"{{"eventName":"e"{data}}}"#)).unwrap();
        draft.payload.args().to_owned()
    };
    assert_eq!(data(r#","data":{ "a" : [1.0, "é"] }"#), r#"{ "a" : [1.0, "é"] }"#);
    assert_eq!(data(r#","data":null"#), "null");
    assert_eq!(data(""), "null");
}

#[test]
fn a_malformed_downlink_is_refused_by_its_field() {
    for (body, field) in [
        ("{}", "eventName: "),
        (r#"{"eventName":null}"#, "eventName: "),
        (r#"{"eventName":5}"#, "eventName: "),
        (r#"{"eventName":""}"#, "event is empty"),
        (r#"{"eventName":"disconnect"}"#, "event \"disconnect\" is reserved"),
        (r#"{"eventName":"e","roomId":""}"#, "roomId: room is empty"),
        (r#"{"eventName":"e","roomId":true}"#, "roomId: "),
        (r#"{"eventName":"e","roomId":["a"]}"#, "roomId: "),
        ("[]", "ROOT.BODY: "),
        ("null", "ROOT.BODY: "),
    ] {
        let said = downlink(body).unwrap_err().to_string();
        assert!(said.starts_with(field), "{body}: {said}");
    }
    for json in ["{}", r#"{"ROOT":1}"#, r#"{"root":{"body":{"eventName":"e"}}}"#, "[]", "x"] {
        assert!(Emit::read_downlink(json.as_bytes(), SystemTime::now()).is_err(), "{json}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_is_sent_beside_bytes_arrives_as_it_is_written(text in "\\PC{0,30}") {
        let text = serde_json::to_string(&text).unwrap();
        let json = format!(r#"{{"event":"e","binary":true,"args":[{{"$binary":"AA=="}},{text}]}}"#);
        let payload = taken(&json).payload;
        let (_, after) = payload.args().split_once("},").unwrap();
        prop_assert_eq!(after, text);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(at in 0..80_usize, byte: u8) {
        let json = r#"{"event":"e","binary":true,"to":{"rooms":["a",1]},"data":[{"$binary":"AA=="}]}"#;
        let mut json = json.as_bytes().to_vec();
        if let Some(place) = json.get_mut(at) {
            *place = byte;
        }
        drop(Emit::read(&json, SystemTime::UNIX_EPOCH));
    }
}
