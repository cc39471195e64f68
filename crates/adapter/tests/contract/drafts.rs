//! Drafts for tests, told apart by the text that they carry.

use std::{sync::Arc, time::SystemTime};

use notice::{
    Audience, Draft, EventName, Kind, Namespace, Notice, Order, Origin, Payload, Room, Scope,
    Stamp, TaskKey, UserId,
};
use serde_json::value::to_raw_value;

pub(crate) fn user() -> UserId {
    UserId::new("5").expect("5 is a user")
}

/// Where the tasks of user 5 are told.
pub(crate) fn audience() -> Audience {
    Audience::tasks_of(user())
}

pub(crate) fn room(name: &str) -> Audience {
    let room = Room::new(name).expect("tests name rooms well");
    Audience { namespace: Namespace::root(), scope: Scope::Room(room) }
}

/// Progress of a task of user 5.
pub(crate) fn progress(identity: &str, order: Order, text: &str) -> Draft {
    let kind = Kind::Progress { task: task(identity), order };
    draft(audience(), "file.progress", kind, text)
}

/// The end of a task of user 5.
pub(crate) fn end(identity: &str, order: Order, text: &str) -> Draft {
    let kind = Kind::Final { task: task(identity), order };
    draft(audience(), "file.complete", kind, text)
}

pub(crate) fn plain(audience: Audience, text: &str) -> Draft {
    draft(audience, "note.plain", Kind::Plain, text)
}

/// The same draft for another audience.
pub(crate) fn to(audience: Audience, draft: Draft) -> Draft {
    Draft { audience, ..draft }
}

/// The same draft of another run of its task.
pub(crate) fn in_run(run: &str, mut draft: Draft) -> Draft {
    if let Kind::Progress { task, .. } | Kind::Final { task, .. } = &mut draft.kind {
        task.run = Some(Arc::from(run));
    }
    draft
}

/// Neither version nor stamp: newer than all that is stored.
pub(crate) fn now() -> Order {
    Order::default()
}

pub(crate) fn version(version: f64) -> Order {
    Order { version: Some(version), stamp: None }
}

pub(crate) fn stamp(millis: u64) -> Order {
    Order { version: None, stamp: Some(Stamp { millis, count: 0 }) }
}

pub(crate) fn version_and_stamp(version: f64, millis: u64) -> Order {
    Order { version: Some(version), ..stamp(millis) }
}

/// What a draft of these tests carries.
pub(crate) fn text_of(notice: &Notice) -> String {
    serde_json::from_str(notice.draft.payload.args()).expect("every draft here carries a text")
}

fn task(identity: &str) -> TaskKey {
    TaskKey { identity: Arc::from(identity), run: None }
}

fn draft(audience: Audience, event: &str, kind: Kind, text: &str) -> Draft {
    let text = to_raw_value(text).expect("a text is JSON");
    Draft {
        audience,
        event: Some(EventName::new(event).expect("tests name events well")),
        payload: Payload::one(&text),
        kind,
        origin: Origin::Worker,
        narrowing: None,
        handed_in: SystemTime::now(),
        trace: None,
    }
}
