//! A notice as each kind of client reads it, encoded when the first of that kind needs it and shared by
//! all others.

mod by_dialect;

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use notice::{EventName, Kind, Notice, Origin, TaskKey};
use socketioxide_core::{Str, Value, packet::Packet};

pub(crate) use self::by_dialect::ByDialect;
use crate::{encoded::Encoded, engine::Dialect};

/// Room for what stands beside the arguments of most events: its name, and what tells its id.
const SOCKETIO_BESIDE_ARGS: usize = 160;

/// One notice on its way to the seats of this node.
#[derive(Debug)]
pub(crate) struct Forms {
    pub(crate) notice: Arc<Notice>,
    /// It comes out of the store rather than fresh from the bus.
    replayed: bool,
    /// Newer progress of its task goes with it.
    superseded: AtomicBool,
    shared: ByDialect,
}

impl Forms {
    pub(crate) fn new(notice: Arc<Notice>, replayed: bool) -> Self {
        let (superseded, shared) = (AtomicBool::new(false), ByDialect::default());
        Self { notice, replayed, superseded, shared }
    }

    /// Who gets this together with what comes behind it needs it no more.
    pub(crate) fn supersede(&self) {
        self.superseded.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    /// What every socket of `dialect` gets, with the task whose newer progress may replace it. `None`: each
    /// gets it under a name of its own.
    pub(crate) fn frame(&self, dialect: Dialect) -> Option<(&Arc<Encoded>, Option<&TaskKey>)> {
        let draft = &self.notice.draft;
        let event = draft.event.as_ref()?;
        Some((self.shared(dialect, event), draft.kind.replaceable()))
    }

    /// When it was handed in, unless it comes out of the store.
    pub(crate) fn fresh_since(&self) -> Option<SystemTime> {
        (!self.replayed).then_some(self.notice.draft.handed_in)
    }

    fn shared(&self, dialect: Dialect, event: &EventName) -> &Arc<Encoded> {
        self.shared.get(dialect, || self.encode(dialect, event.as_str()))
    }

    /// The notice as `event`, for one socket.
    pub(crate) fn encode(&self, dialect: Dialect, event: &str) -> Arc<Encoded> {
        match dialect {
            Dialect::Engine3 { .. } | Dialect::Engine4 => self.socketio(event),
            Dialect::PlainWebSocket => Encoded::text_only(&self.plain(event)),
            Dialect::EventStream => Encoded::text_only(&self.stream(event)),
        }
    }

    /// `["event",<args>,{"id","replayed"}]`; the last only for what a worker said.
    fn socketio(&self, event: &str) -> Arc<Encoded> {
        let payload = &self.notice.draft.payload;
        let mut json = String::with_capacity(payload.args().len() + SOCKETIO_BESIDE_ARGS);
        json.push('[');
        json.push_str(&quoted(event));
        if !payload.args().is_empty() {
            json.push(',');
            json.push_str(payload.args());
        }
        if self.notice.draft.origin == Origin::Worker {
            let id = quoted(&self.notice.id().to_string());
            write!(json, ",{{\"id\":{id},\"replayed\":{}}}", self.replayed)
                .expect("a String takes all that is written to it");
        }
        json.push(']');
        let attachments = payload.attachments();
        let attachments = (!attachments.is_empty()).then(|| attachments.iter().cloned().collect());
        let namespace = Str::copy_from_slice(self.notice.draft.audience.namespace.as_str());
        Encoded::packet(Packet::event(namespace, Value::Str(json.into(), attachments)))
    }

    /// `{"event","args","id"}`, with `replayed` where it is, and attachments as base64 where there are.
    fn plain(&self, event: &str) -> String {
        let payload = &self.notice.draft.payload;
        let id = quoted(&self.notice.id().to_string());
        let mut json =
            format!("{{\"event\":{},\"args\":[{}],\"id\":{id}", quoted(event), payload.args());
        if self.replayed {
            json.push_str(",\"replayed\":true");
        }
        json.push_str(&attached(payload.attachments()));
        json.push('}');
        json
    }

    /// The plain form as one server-sent event (HTML standard, "Server-sent events").
    ///
    /// `id:` is what the browser will send as `Last-Event-ID`, so it is given only where it may serve as
    /// the cursor: for a worker's notices and those of kept rooms, and not for progress out of the store,
    /// whose number may be above that of a final still to come.
    fn stream(&self, event: &str) -> String {
        let draft = &self.notice.draft;
        let is_numbered = draft.origin == Origin::Worker || draft.kind == Kind::Kept;
        let is_cursor = is_numbered && !(self.replayed && draft.kind.is_progress());
        let mut text = String::new();
        if is_cursor {
            text = format!("id: {}\n", self.notice.id());
        }
        text.push_str(&streamed(&self.plain(event)));
        text
    }
}

/// A plain form as the data of one server-sent event, a line each.
pub(crate) fn streamed(json: &str) -> String {
    let lines = json.split(['\n', '\r']).map(|line| format!("data: {line}\n"));
    lines.chain(["\n".to_owned()]).collect()
}

/// `,"attachments":[…]` in base64, as plain clients get them; nothing where there are none.
pub(crate) fn attached(attachments: &[Bytes]) -> String {
    if attachments.is_empty() {
        return String::new();
    }
    let texts = attachments.iter().map(|bytes| quoted(&STANDARD.encode(bytes)));
    format!(",\"attachments\":[{}]", texts.collect::<Vec<_>>().join(","))
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is always a JSON string")
}

#[cfg(test)]
mod tests;
