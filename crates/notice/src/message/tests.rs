//! What a worker's message becomes, or why it is refused.

use std::{collections::HashMap, time::SystemTime};

use proptest::prelude::*;

use crate::{
    Kind, Message, MessageError, Order, Origin, PAYLOAD_BYTES_MAX, Stamp, StatusTable, TaskKey,
};

const CANCEL: &str = include_str!("../../samples/cancel.json");
const COMPLETE: &str = include_str!("../../samples/complete.json");
const ERROR: &str = include_str!("../../samples/error.json");
const PROGRESS: &str = include_str!("../../samples/progress.json");

fn parse(json: &str) -> Result<Message, MessageError> {
    parse_bytes(json.as_bytes())
}

fn parse_bytes(json: &[u8]) -> Result<Message, MessageError> {
    let queued = HashMap::from([("200".to_owned(), "file.queued".to_owned())]);
    let table = StatusTable::new(queued).unwrap();
    Message::parse(json, &table, None, SystemTime::UNIX_EPOCH)
}

/// A message of task `t` of user 5 with some more fields.
fn with(fields: &str) -> String {
    format!(r#"{{"identity":"t","userIdentity":5,{fields}}}"#)
}

fn event(message: &Message) -> &str {
    message.draft().event.as_ref().unwrap().as_str()
}

fn event_of(fields: &str) -> String {
    event(&parse(&with(fields)).unwrap()).to_owned()
}

fn user_of(user_identity: &str) -> String {
    let json = format!(r#"{{"identity":"t","userIdentity":{user_identity},"status":100}}"#);
    parse(&json).unwrap().draft().audience.to_string()
}

fn refusal(json: &str) -> (&'static str, String) {
    let error = parse(json).unwrap_err();
    (error.reason(), error.to_string())
}

fn task(message: &Message) -> TaskKey {
    message.draft().kind.task().unwrap().clone()
}

#[test]
fn each_sample_becomes_its_event_and_kind() {
    let samples = [
        (PROGRESS, "file.progress"),
        (CANCEL, "file.cancel"),
        (ERROR, "file.error"),
        (COMPLETE, "file.complete"),
    ];
    for (sample, expected) in samples {
        let message = parse(sample).unwrap();
        assert_eq!(event(&message), expected);
        assert_eq!(message.draft().kind.is_progress(), expected == "file.progress");
        assert_eq!(message.draft().kind.is_final(), expected != "file.progress");
        assert_eq!(message.draft().audience.to_string(), "user:5@/notice");
        assert_eq!(message.draft().origin, Origin::Worker);
    }
    assert_eq!(&*task(&parse(CANCEL).unwrap()).identity, "copy_bsdoc8c8n51r9jlicggi_5");
}

#[test]
fn a_sample_travels_byte_for_byte() {
    for sample in [PROGRESS, CANCEL, ERROR, COMPLETE] {
        assert_eq!(parse(sample).unwrap().draft().payload.args(), sample);
    }
}

#[test]
fn whitespace_around_a_message_is_left_out_and_inside_is_kept() {
    let json = "{\r\n\t\"identity\" : \"t\",\n\n\"userIdentity\":5 , \"status\":100 }";
    let message = parse(&format!(" \r\n\t{json}\n ")).unwrap();
    assert_eq!(message.draft().payload.args(), json);
}

#[test]
fn what_we_do_not_read_passes_through_untouched() {
    let json = with(
        r#""status":100,"name":"七月 🎬.mp4","esc":"\u4e03\/\ud83c\udfac","half":"\ud800","\ud800":1,
        "big":12345678901234567890.10,"huge":1e999,"x":1,"x":2,"action":{"a":[]},"version":"v2""#,
    );
    assert_eq!(parse(&json).unwrap().draft().payload.args(), json);
}

#[test]
fn the_event_is_the_first_that_applies() {
    let cases = [
        (r#""event":"doc.shared","action":"cancel","status":100"#, "doc.shared"),
        (r#""action":"cancel","status":100,"errorCode":7"#, "file.cancel"),
        (r#""status":-1,"errorCode":7"#, "file.cancel"),
        (r#""status":100,"errorCode":7"#, "file.progress"),
        (r#""status":1000,"errorCode":7"#, "file.error"),
        (r#""status":200,"errorCode":7"#, "file.error"),
        (r#""errorCode":-3"#, "file.error"),
        (r#""status":1000"#, "file.complete"),
        (r#""status":200"#, "file.queued"),
    ];
    for (fields, expected) in cases {
        assert_eq!(event_of(fields), expected, "{fields}");
    }
}

#[test]
fn an_error_code_of_null_empty_or_zero_is_none() {
    for zero in ["null", r#""""#, r#""0""#, "0", "0.0", "-0"] {
        assert_eq!(event_of(&format!(r#""status":1000,"errorCode":{zero}"#)), "file.complete");
    }
    for code in ["5003", r#""5003""#, r#""E_FULL""#, r#""00""#, "0.5", "-1", "true", "{}"] {
        assert_eq!(event_of(&format!(r#""status":1000,"errorCode":{code}"#)), "file.error");
    }
}

#[test]
fn an_event_of_null_or_nothing_is_not_given() {
    assert_eq!(event_of(r#""event":null,"status":100"#), "file.progress");
    assert_eq!(event_of(r#""event":"","status":1000"#), "file.complete");
}

#[test]
fn a_status_is_the_same_however_its_number_is_written() {
    assert_eq!(event_of(r#""status":100.0"#), "file.progress");
    assert_eq!(event_of(r#""status":1e3"#), "file.complete");
    for other in ["100.5", r#""100""#, "1e999", "true"] {
        assert_eq!(refusal(&with(&format!(r#""status":{other}"#))).0, "no_event", "{other}");
    }
}

#[test]
fn the_kind_follows_the_events_last_part() {
    let kind = |name: &str| {
        let draft = parse(&with(&format!(r#""event":"{name}""#))).unwrap().into_draft();
        (draft.kind.is_progress(), draft.kind.is_final())
    };
    for name in ["file.progress", "a.b.progress", "progress", "complete.progress"] {
        assert_eq!(kind(name), (true, false), "{name}");
    }
    for name in ["file.complete", "x.error", "job.cancel", "progress.complete", "cancel"] {
        assert_eq!(kind(name), (false, true), "{name}");
    }
    for name in ["file.queued", "progress.", "file.Progress", "file.completed", "file progress"] {
        assert_eq!(kind(name), (false, false), "{name}");
    }
}

#[test]
fn a_user_is_a_string_or_a_numbers_decimal_text() {
    assert_eq!(user_of("5"), "user:5@/notice");
    assert_eq!(user_of(r#""5""#), "user:5@/notice");
    assert_eq!(user_of(r#""\u0035""#), "user:5@/notice");
    assert_eq!(user_of("123456789012345678901"), "user:123456789012345678901@/notice");
    assert_eq!(user_of("5.0"), "user:5.0@/notice");
}

#[test]
fn a_field_user_is_the_workers_own() {
    for user in ["6", r#""alice""#, "null", r#"{"name":"a"}"#] {
        assert!(parse(&with(&format!(r#""status":100,"user":{user}"#))).is_ok(), "{user}");
    }
}

#[test]
fn a_run_makes_another_task() {
    let run = |fields: &str| task(&parse(&with(&format!(r#""status":100,{fields}"#))).unwrap()).run;
    assert_eq!(run(r#""run":7"#).as_deref(), Some("7"));
    assert_eq!(run(r#""run":"7""#).as_deref(), Some("7"));
    for none in [r#""run":null"#, r#""run":"""#, r#""x":1"#] {
        assert_eq!(run(none), None);
    }
    assert_eq!(refusal(&with(r#""status":100,"run":[]"#)).0, "run");
}

#[test]
fn the_order_is_the_version_and_the_stamp() {
    let stamp = Some(Stamp { millis: 3, count: 4 });
    let order = |json: &str| {
        let (table, at) = (StatusTable::default(), SystemTime::UNIX_EPOCH);
        let kind = Message::parse(json.as_bytes(), &table, stamp, at).unwrap().into_draft().kind;
        let Kind::Progress { order, .. } = kind else { panic!("{kind:?} is no progress") };
        order
    };
    let version = |version| Order { version, stamp };
    assert_eq!(order(&with(r#""status":100,"version":2.5"#)), version(Some(2.5)));
    for none in ["null", r#""2""#, "1e999"] {
        assert_eq!(order(&with(&format!(r#""status":100,"version":{none}"#))), version(None));
    }
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    assert_eq!(event_of(r#""status":100,"st\u0061tus":1000"#), "file.complete");
}

#[test]
fn a_field_of_a_nested_object_is_not_the_messages_own() {
    assert_eq!(
        event_of(r#""status":100,"source":{"event":"error","userIdentity":6}"#),
        "file.progress"
    );
}

#[test]
fn an_error_says_the_field_what_was_got_and_what_is_expected() {
    let user = "expected a string of 1 to 512 bytes or a decimal number, the user's id";
    let identity = "expected a string of 1 to 512 bytes, the task's id";
    let cases = [
        (
            r#"{"userIdentity":5,"status":100}"#,
            "identity",
            format!("read identity: got nothing, {identity}"),
        ),
        (
            r#"{"identity":7,"userIdentity":5}"#,
            "identity",
            format!("read identity: got a number, {identity}"),
        ),
        (
            r#"{"identity":"","userIdentity":5}"#,
            "identity",
            format!("read identity: got an empty string, {identity}"),
        ),
        (
            r#"{"identity":"t","status":100}"#,
            "user",
            format!("read userIdentity: got nothing, {user}"),
        ),
        (
            r#"{"identity":"t","userIdentity":[5]}"#,
            "user",
            format!("read userIdentity: got an array, {user}"),
        ),
        (
            r#"{"identity":"t","userIdentity":null}"#,
            "user",
            format!("read userIdentity: got null, {user}"),
        ),
        (
            r#"{"identity":"t","userIdentity":1e3}"#,
            "user",
            format!("read userIdentity: got a number with an exponent, {user}"),
        ),
        (
            r#"{"identity":"t","userIdentity":""}"#,
            "user",
            format!("read userIdentity: got user is empty, {user}"),
        ),
        ("[1]", "not_object", "read message: got an array, expected one JSON object".to_owned()),
    ];
    for (json, reason, text) in cases {
        assert_eq!(refusal(json), (reason, text));
    }
}

#[test]
fn an_unknown_status_without_an_event_names_the_status() {
    let (reason, text) = refusal(&with(r#""status":201"#));
    assert_eq!(reason, "no_event");
    assert!(text.contains("as status 201, expected an event"), "{text}");
    assert_eq!(refusal(&with(r#""x":1"#)).0, "no_event");
}

#[test]
fn an_event_that_may_not_be_sent_is_refused() {
    let cases = [
        (
            r#""error""#,
            r#"read event: event "error" is reserved; expected another, like "file.progress""#,
        ),
        ("7", r#"read event: got a number, expected a string like "file.progress""#),
    ];
    for (name, text) in cases {
        assert_eq!(refusal(&with(&format!(r#""event":{name}"#))), ("event", text.to_owned()));
    }
    let long = format!(r#""event":"{}""#, "e".repeat(257));
    assert_eq!(refusal(&with(&long)).0, "event");
}

#[test]
fn broken_json_is_refused_with_its_place() {
    let (reason, text) = refusal(r#"{"identity":"t",}"#);
    assert_eq!(reason, "json");
    assert!(text.contains("line 1 column 17"), "{text}");
    for json in ["", "  ", "{", r#"{"a":1} {"b":2}"#, "\u{feff}{}", r#"{"a":"\x"}"#, "{'a':1}"] {
        assert_eq!(refusal(json).0, "json", "{json:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let error = parse_bytes(b"{\"identity\":\"\xff\"}").unwrap_err();
    assert_eq!(error, MessageError::NotUtf8 { at_byte: 13 });
    assert_eq!(error.reason(), "utf8");
}

#[test]
fn a_message_may_have_256_kib_and_no_more() {
    let sized = |len: usize| {
        let empty = with(r#""status":100,"pad":"""#);
        with(&format!(r#""status":100,"pad":"{}""#, "x".repeat(len - empty.len())))
    };
    assert!(parse(&format!("\n{}\n", sized(PAYLOAD_BYTES_MAX))).is_ok());
    for too_large in [PAYLOAD_BYTES_MAX + 1, 257 * 1024] {
        assert_eq!(refusal(&sized(too_large)).0, "too_large");
    }
}

#[test]
fn nesting_past_128_levels_is_refused_without_recursion() {
    let nested = |levels: usize| {
        with(&format!(r#""status":100,"b":"\"[","a":{}{}"#, "[".repeat(levels), "]".repeat(levels)))
    };
    assert!(parse(&nested(127)).is_ok());
    assert_eq!(refusal(&nested(128)).0, "too_deep");
    assert_eq!(refusal(&nested(130_000)).0, "too_deep");
    assert_eq!(refusal(&r#"{"a":"#.repeat(50_000)).0, "json");
}

#[test]
fn an_emit_becomes_a_plain_notice_of_a_backend() {
    let read = |emit: &str| parse(&format!(r#"{{"emit":{emit}}}"#)).unwrap().into_draft();
    let all = read(r#"{"event":"hi"}"#);
    assert_eq!((all.audience.to_string().as_str(), all.payload.args()), ("everyone@/", ""));
    assert_eq!((all.kind, all.origin), (Kind::Plain, Origin::Backend));
    let room = read(r#"{"to":{"room":456},"namespace":"/notice","event":"hi","data":[1, 2]}"#);
    assert_eq!(
        (room.audience.to_string().as_str(), room.payload.args()),
        ("room:456@/notice", "[1, 2]")
    );
    let user = read(r#"{"to":{"user":"5"},"event":"hi","args":[1, "a"],"scope":"cluster"}"#);
    assert_eq!((user.audience.to_string().as_str(), user.payload.args()), ("user:5@/", "1,\"a\""));
}

#[test]
fn an_emit_that_somebody_has_to_wait_for_is_refused_for_its_own_reason() {
    for more in [r#""scope":"local""#, r#""ack":{"timeout":"5s"}"#] {
        let json = format!(r#"{{"emit":{{"event":"hi",{more}}}}}"#);
        assert_eq!(refusal(&json).0, "emit_unsupported", "{more}");
    }
    for emit in
        ["7", r#"{"data":1}"#, r#"{"event":"connect"}"#, r#"{"event":"a","data":1,"args":[]}"#]
    {
        assert_eq!(refusal(&format!(r#"{{"emit":{emit}}}"#)).0, "emit", "{emit}");
    }
}

#[test]
fn an_emit_to_one_socket_goes_to_everyone_narrowed_to_it() {
    let json = r#"{"emit":{"to":{"socket":"a"},"except":{"rooms":["b"]},"data":1}}"#;
    let draft = parse(json).unwrap().into_draft();
    assert_eq!((draft.audience.to_string().as_str(), &draft.event), ("everyone@/", &None));
    let narrowing = draft.narrowing.unwrap();
    assert_eq!(narrowing.socket.as_ref().unwrap().as_str(), "a");
    assert_eq!(narrowing.except_rooms[0].as_str(), "b");
}

#[test]
fn an_error_repeats_little_of_the_message() {
    let digits = "9".repeat(100_000);
    assert!(refusal(&with(&format!(r#""status":{digits}"#))).1.len() < 400);
}

#[test]
fn every_reason_is_on_the_closed_list() {
    for json in ["", "1", "{}", r#"{"identity":"t"}"#, r#"{"emit":1}"#, &with(r#""x":1"#)] {
        assert!(MessageError::REASONS.contains(&refusal(json).0), "{json}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_the_reader_panic(mut json in Just(COMPLETE.as_bytes().to_vec()), at in 0..1500_usize, byte: u8) {
        json[at] = byte;
        if let Ok(message) = parse_bytes(&json) {
            prop_assert_eq!(message.draft().payload.args().as_bytes(), json);
        }
    }

    #[test]
    fn any_name_travels_byte_for_byte(name in "\\PC{0,30}") {
        let json = with(&format!(r#""status":100,"name":{}"#, serde_json::to_string(&name).unwrap()));
        let message = parse(&json).unwrap();
        prop_assert_eq!(message.draft().payload.args(), json);
    }
}
