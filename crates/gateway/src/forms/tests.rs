//! One notice as each client reads it.

use std::{sync::Arc, time::SystemTime};

use notice::{
    Audience, Draft, Epoch, EventName, Kind, Notice, Order, Origin, Payload, Position, TaskKey,
    UserId,
};
use serde_json::value::RawValue;

use super::Forms;
use crate::engine::Dialect;

fn notice(json: &str, origin: Origin) -> Arc<Notice> {
    let task = TaskKey { identity: "t".into(), run: None };
    let json = RawValue::from_string(json.to_owned()).unwrap();
    let draft = Draft {
        audience: Audience::tasks_of(UserId::new("a@b").unwrap()),
        event: Some(EventName::new("file.progress").unwrap()),
        payload: Payload::one(&json),
        kind: Kind::Progress { task, order: Order::default() },
        origin,
        narrowing: None,
        handed_in: SystemTime::UNIX_EPOCH,
        trace: None,
    };
    Arc::new(Notice { draft, position: Position { epoch: Epoch::new("e1").unwrap(), seq: 7 } })
}

fn text(notice: &Arc<Notice>, replayed: bool, dialect: Dialect) -> String {
    let forms = Forms::new(Arc::clone(notice), replayed);
    let encoded = forms.shared(dialect, notice.draft.event.as_ref().unwrap());
    String::from_utf8(encoded.text().to_vec()).unwrap()
}

#[test]
fn a_worker_s_json_stands_byte_for_byte_before_its_id() {
    let notice = notice("{\n  \"a\" : 1.0 }", Origin::Worker);
    assert_eq!(
        text(&notice, true, Dialect::Engine4),
        "42/notice,[\"file.progress\",{\n  \"a\" : 1.0 },{\"id\":\"user:a%40b@/notice:e1-7\",\"replayed\":true}]"
    );
}

#[test]
fn an_emit_carries_exactly_what_was_given() {
    let notice = notice("[1]", Origin::Backend);
    assert_eq!(text(&notice, false, Dialect::Engine4), "42/notice,[\"file.progress\",[1]]");
}

#[test]
fn plain_clients_get_event_args_and_id() {
    let notice = notice("{}", Origin::Worker);
    assert_eq!(
        text(&notice, false, Dialect::PlainWebSocket),
        "{\"event\":\"file.progress\",\"args\":[{}],\"id\":\"user:a%40b@/notice:e1-7\"}"
    );
}

#[test]
fn an_event_stream_splits_lines_and_names_only_ids_that_may_be_cursors() {
    let fresh = text(&notice("{\n}", Origin::Worker), false, Dialect::EventStream);
    assert!(fresh.starts_with("id: user:a%40b@/notice:e1-7\ndata: {"));
    assert!(fresh.contains("\ndata: }],"));
    assert!(fresh.ends_with("\n\n"));
    let replayed = text(&notice("{}", Origin::Worker), true, Dialect::EventStream);
    assert!(replayed.starts_with("data: "), "progress out of the store is no cursor");
    let emit = text(&notice("{}", Origin::Backend), false, Dialect::EventStream);
    assert!(emit.starts_with("data: "), "an emit is not kept, so its id leads nowhere");
}
