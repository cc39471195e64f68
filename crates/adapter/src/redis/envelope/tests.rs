//! That a notice reads back, and that other bytes are refused.

use notice::{Audience, Narrowing, Room, SocketId, UserId};
use serde_json::value::RawValue;

use super::*;

#[path = "../../../../../fuzz/near.rs"]
mod near;

#[test]
fn every_seed_and_what_is_near_it_is_read_without_harm() {
    near::each("envelope", fuzzed_envelope);
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn draft(kind: Kind) -> Draft {
    let attachments = vec![Bytes::from_static(b"\0\n\xff"), Bytes::from_static(b"last")];
    Draft {
        audience: Audience::tasks_of(UserId::new("用户 {5}:@").unwrap()),
        event: Some(EventName::new("file.progress").unwrap()),
        payload: Payload::several(&[raw("{ \"a\": 1.0 }"), raw("\"é\"")], attachments),
        narrowing: None,
        kind,
        origin: Origin::Backend,
        handed_in: UNIX_EPOCH + Duration::from_micros(1_763_668_800_123_456),
        trace: Some(Box::new(Trace {
            id: 5,
            creation: 6,
            publish: 7,
            state: TraceState::parse("a=1"),
        })),
    }
}

fn opened(bytes: &[u8]) -> Result<Arc<Notice>, EnvelopeError> {
    Envelope(Bytes::copy_from_slice(bytes)).try_into()
}

fn numbered(draft: &Draft) -> Vec<u8> {
    [b"a1-42\n", seal(draft).as_ref()].concat()
}

#[test]
fn every_kind_of_notice_reads_back() {
    let order = Order {
        version: Some(0.1 + 0.2),
        stamp: Some(Stamp { millis: u64::MAX, count: u64::MAX }),
    };
    let run = Some(Arc::from("1"));
    let with_run = TaskKey { identity: Arc::from("a:\"b\"\n"), run };
    let without = TaskKey { identity: Arc::from("copy"), run: None };
    for kind in [
        Kind::Plain,
        Kind::Kept,
        Kind::Volatile,
        Kind::Progress { task: with_run, order },
        Kind::Final { task: without, order: Order::default() },
    ] {
        let draft = draft(kind);
        let notice = opened(&numbered(&draft)).unwrap();
        assert_eq!(notice.position, Position { epoch: Epoch::new("a1").unwrap(), seq: 42 });
        let read = &notice.draft;
        assert_eq!((&read.audience, &read.event), (&draft.audience, &draft.event));
        assert_eq!((&read.payload, &read.kind), (&draft.payload, &draft.kind));
        assert_eq!((read.origin, read.handed_in), (draft.origin, draft.handed_in));
        assert_eq!(read.trace, draft.trace);
    }
}

#[test]
fn a_narrowing_reads_back_under_a_version_that_older_nodes_refuse() {
    let narrowing = Narrowing {
        rooms: vec![Room::new("a\"b").unwrap(), Room::new("用户").unwrap()],
        socket: Some(SocketId::new("s").unwrap()),
        except_rooms: vec![Room::new("c").unwrap()],
        except_sockets: vec![SocketId::new("/notice#d").unwrap()],
    };
    let draft = Draft { narrowing: Some(Arc::new(narrowing)), ..draft(Kind::Plain) };
    let bytes = numbered(&draft);
    assert_eq!(opened(&bytes).unwrap().draft.narrowing, draft.narrowing);
    assert!(String::from_utf8_lossy(&bytes).contains(r#"{"v":2,"#));
}

#[test]
fn a_narrowing_that_says_more_than_is_known_is_refused() {
    let header = r#"{"v":2,"to":"everyone@/","only":{"countries":["a"]},"handed_in":1}"#;
    assert!(matches!(
        opened(format!("a1-1\n{header}\n").as_bytes()),
        Err(EnvelopeError::Header(_))
    ));
}

#[test]
fn what_is_cut_off_anywhere_before_its_arguments_is_refused() {
    let whole = numbered(&draft(Kind::Plain));
    let header_end = whole.iter().rposition(|byte| *byte == b'}').unwrap();
    assert!(opened(&whole).is_ok());
    for end in 0..header_end.min(60) {
        assert!(opened(&whole[..end]).is_err(), "{end} bytes were taken");
    }
}

#[test]
fn another_version_is_refused_by_its_number() {
    let header = r#"{"v":3,"to":"user:5@/notice","handed_in":1}"#;
    let error = opened(format!("a1-1\n{header}\n").as_bytes()).unwrap_err();
    assert!(matches!(error, EnvelopeError::Version { found: 3 }), "{error}");
}

#[test]
fn attachments_longer_than_what_is_there_are_refused() {
    let longest = usize::MAX;
    for lens in [format!("[{longest}]"), format!("[{longest},{longest}]"), "[2]".to_owned()] {
        let header =
            format!(r#"{{"v":1,"to":"user:5@/notice","handed_in":1,"attachments":{lens}}}"#);
        assert!(opened(format!("a1-1\n{header}\n1").as_bytes()).is_err(), "{lens}");
    }
}
