//! A worker message: untrusted bytes in, a checked draft of a task notice out. Or, in a field `emit`,
//! what a backend sends, which becomes a plain notice.
//!
//! What the worker wrote travels on as it stands; only the few fields that choose the audience, the
//! event and the order are read, without a tree of the rest.
//!
//! May not enter: where the bytes came from, and what becomes of the draft.

mod error;
mod fields;

use std::{sync::Arc, time::SystemTime};

use serde_json::value::RawValue;

pub use error::MessageError;

use crate::{
    audience::Audience,
    depth,
    draft::{Draft, Kind, Order, Origin, Stamp, TaskKey},
    emit::Emit,
    event::EventName,
    json::Json,
    names::UserId,
    payload::Payload,
    status::StatusTable,
    trace::TraceParent,
};
use fields::{Field, Fields};

/// The longest worker message, in bytes without surrounding whitespace.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// The longest identity and run of a task, in bytes.
const TASK_BYTES_MAX: usize = 512;

/// A checked worker message.
#[derive(Clone, Debug)]
pub struct Message {
    draft: Draft,
    parent: Option<TraceParent>,
}

impl Message {
    /// Reads one message. `stamp` orders it among those of its task where no version does; `None`
    /// leaves that to the store.
    pub fn parse(
        json: &[u8],
        table: &StatusTable,
        stamp: Option<Stamp>,
        handed_in: SystemTime,
    ) -> Result<Self, MessageError> {
        let raw = raw(json)?;
        let fields = Fields::read(raw)?;
        let parent = parent(&fields);
        if let Some(emit) = fields.raw(Field::Emit).filter(|_| fields.get(Field::Emit).is_given()) {
            let draft = Emit::read(emit.get().as_bytes(), handed_in)?.into_draft()?;
            return Ok(Self { draft, parent });
        }
        let identity = identity(&fields)?;
        let user = user(&fields)?;
        let event = event(&fields, table)?;
        let task = TaskKey { identity, run: run(&fields)? };
        let order = Order { version: fields.get(Field::Version).finite(), stamp };
        let draft = Draft {
            audience: Audience::tasks_of(user),
            narrowing: None,
            kind: kind(&event, task, order),
            event: Some(event),
            payload: Payload::one(raw),
            origin: Origin::Worker,
            handed_in,
            trace: None,
        };
        Ok(Self { draft, parent })
    }

    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Its fields `traceparent` and `tracestate`, if it has any that can be read.
    pub fn parent(&self) -> Option<TraceParent> {
        self.parent.clone()
    }

    pub fn into_draft(self) -> Draft {
        self.draft
    }
}

/// The message as written, without surrounding whitespace: one JSON object within the limits.
fn raw(json: &[u8]) -> Result<&RawValue, MessageError> {
    let json = json.trim_ascii();
    if json.len() > PAYLOAD_BYTES_MAX {
        let (len_bytes, len_bytes_max) = (json.len(), PAYLOAD_BYTES_MAX);
        return Err(MessageError::TooLarge { len_bytes, len_bytes_max });
    }
    let text = std::str::from_utf8(json)
        .map_err(|error| MessageError::NotUtf8 { at_byte: error.valid_up_to() })?;
    let raw: &RawValue = serde_json::from_str(text)
        .map_err(|error| MessageError::BrokenJson { cause: error.to_string() })?;
    match Json::of(raw) {
        Json::Object => {}
        other => return Err(MessageError::NotObject { got: other.name() }),
    }
    if depth::is_too_deep(raw.get()) {
        return Err(MessageError::TooDeep { depth_max: depth::DEPTH_MAX });
    }
    Ok(raw)
}

fn identity(fields: &Fields<'_>) -> Result<Arc<str>, MessageError> {
    let bad = |got: String| MessageError::Identity { got };
    match fields.get(Field::Identity) {
        Json::Text(text) if text.is_empty() => Err(bad("an empty string".to_owned())),
        Json::Text(text) if text.len() <= TASK_BYTES_MAX => Ok(Arc::from(text)),
        Json::Text(text) => Err(bad(format!("{} bytes", text.len()))),
        other => Err(bad(other.name().to_owned())),
    }
}

fn user(fields: &Fields<'_>) -> Result<UserId, MessageError> {
    let given = fields.get(Field::UserIdentity);
    let Some(text) = given.id() else {
        return Err(MessageError::User { got: not_an_id(&given).to_owned() });
    };
    UserId::new(&text).map_err(|error| MessageError::User { got: error.to_string() })
}

/// The run, if one is given; null and the empty string give none.
fn run(fields: &Fields<'_>) -> Result<Option<Arc<str>>, MessageError> {
    let given = fields.get(Field::Run);
    if !given.is_given() {
        return Ok(None);
    }
    match given.id() {
        Some(text) if text.len() <= TASK_BYTES_MAX => Ok(Some(Arc::from(text))),
        Some(text) => Err(MessageError::Run { got: format!("{} bytes", text.len()) }),
        None => Err(MessageError::Run { got: not_an_id(&given).to_owned() }),
    }
}

fn parent(fields: &Fields<'_>) -> Option<TraceParent> {
    let text = |field| match fields.get(field) {
        Json::Text(text) => Some(text),
        _ => None,
    };
    let parent = TraceParent::parse(&text(Field::Traceparent)?)?;
    Some(parent.beside(text(Field::Tracestate).as_deref()))
}

fn not_an_id(given: &Json<'_>) -> &'static str {
    match given {
        Json::Number(_) => "a number with an exponent",
        other => other.name(),
    }
}

/// As much of a message's own words as an error repeats.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The first that applies: the event as given, a cancel, progress, an error, completion, the table.
fn event(fields: &Fields<'_>, table: &StatusTable) -> Result<EventName, MessageError> {
    match fields.get(Field::Event) {
        Json::Text(name) if !name.is_empty() => return Ok(EventName::new(&name)?),
        given if given.is_given() => return Err(MessageError::EventType { got: given.name() }),
        _ => {}
    }
    let status = fields.get(Field::Status).integer();
    let cancelled = matches!(fields.get(Field::Action), Json::Text(action) if action == "cancel");
    let name = match status {
        _ if cancelled => "file.cancel",
        Some(-1) => "file.cancel",
        Some(100) => "file.progress",
        _ if !fields.get(Field::ErrorCode).is_zero() => "file.error",
        Some(1000) => "file.complete",
        other => {
            let added = other.and_then(|status| table.event(status));
            return added.cloned().ok_or_else(|| no_event(fields));
        }
    };
    Ok(EventName::new(name).expect("the built-in names are short and not reserved"))
}

fn no_event(fields: &Fields<'_>) -> MessageError {
    let status = match fields.get(Field::Status) {
        Json::Number(text) => short(text),
        other => other.name().to_owned(),
    };
    MessageError::NoEvent { status }
}

/// What may happen to it on its way follows from the last part of its event's name.
fn kind(event: &EventName, task: TaskKey, order: Order) -> Kind {
    match event.as_str().rsplit('.').next() {
        Some("progress") => Kind::Progress { task, order },
        Some("complete" | "error" | "cancel") => Kind::Final { task, order },
        _ => Kind::Plain,
    }
}

#[cfg(test)]
mod tests;
