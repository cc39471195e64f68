//! A notice as it crosses between nodes and as Redis keeps it.
//!
//! Three parts: `<epoch>-<seq>` and a line end, which the script writes; a header of JSON and a line end;
//! the arguments and the attachments as they are. Nobody but this project's own nodes reads it.

mod only;

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::{BufMut, Bytes, BytesMut};
use notice::{
    Draft, Epoch, EventName, Kind, Notice, Order, Origin, Payload, Position, Stamp, TaskKey, Trace,
    TraceState,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::only::Only;

/// The form of the header. Nodes of one cluster may be of two releases while one replaces the other.
const VERSION: u8 = 1;
/// The form of a header that says for which members of its audience the notice is. A node that does not
/// know it must not hand the notice to all of them.
const VERSION_NARROWED: u8 = 2;

/// A numbered notice in bytes.
#[derive(Clone, Debug)]
pub(super) struct Envelope(pub(super) Bytes);

/// Why bytes under our own prefix are no notice.
#[derive(Clone, Debug, Error)]
pub(super) enum EnvelopeError {
    #[error("read envelope: no {0}")]
    Part(&'static str),
    #[error("read envelope: version {found}, and {VERSION} and {VERSION_NARROWED} are known")]
    Version { found: u8 },
    #[error("read envelope: {0}")]
    Header(String),
}

#[derive(Deserialize, Serialize)]
struct Header<'a> {
    v: u8,
    #[serde(borrow)]
    to: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    only: Option<Only<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    task: Option<Task<'a>>,
    #[serde(default, skip_serializing_if = "is_false")]
    backend: bool,
    /// A node that does not know this lets it wait.
    #[serde(default, skip_serializing_if = "is_false")]
    volatile: bool,
    /// A node that does not know this takes it for plain.
    #[serde(default, skip_serializing_if = "is_false")]
    kept: bool,
    /// Microseconds since the Unix epoch.
    handed_in: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<usize>,
    /// A node that does not know this records nothing of it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    trace: Option<Cow<'a, str>>,
    /// Of the trace.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    state: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Serialize)]
struct Task<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    run: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_false")]
    end: bool,
    /// The bits of the number, which reads back exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stamp: Option<(u64, u64)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The bytes of `draft`, to be numbered by the script.
pub(super) fn seal(draft: &Draft) -> Bytes {
    let header = serde_json::to_vec(&Header::of(draft)).expect("texts and numbers are JSON");
    let mut bytes = BytesMut::with_capacity(header.len() + 1 + draft.payload.len_bytes());
    bytes.put_slice(&header);
    bytes.put_u8(b'\n');
    bytes.put_slice(draft.payload.args().as_bytes());
    for attachment in draft.payload.attachments() {
        bytes.put_slice(attachment);
    }
    bytes.freeze()
}

impl TryFrom<Envelope> for Arc<Notice> {
    type Error = EnvelopeError;

    fn try_from(Envelope(mut bytes): Envelope) -> Result<Self, EnvelopeError> {
        let position = position(&line(&mut bytes, "position")?)?;
        let header = line(&mut bytes, "header")?;
        let header: Header<'_> = serde_json::from_slice(&header)
            .map_err(|error| EnvelopeError::Header(error.to_string()))?;
        if !matches!(header.v, VERSION | VERSION_NARROWED) {
            return Err(EnvelopeError::Version { found: header.v });
        }
        let draft = header.draft(bytes)?;
        Ok(Arc::new(Notice { draft, position }))
    }
}

impl<'a> Header<'a> {
    fn of(draft: &'a Draft) -> Self {
        let since = draft.handed_in.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            v: if draft.narrowing.is_some() { VERSION_NARROWED } else { VERSION },
            to: draft.audience.to_string().into(),
            only: draft.narrowing.as_deref().map(Only::of),
            event: draft.event.as_ref().map(|event| event.as_str().into()),
            task: Task::of(&draft.kind),
            backend: draft.origin == Origin::Backend,
            volatile: draft.kind == Kind::Volatile,
            kept: draft.kind == Kind::Kept,
            handed_in: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            attachments: draft.payload.attachments().iter().map(Bytes::len).collect(),
            trace: draft.trace.as_ref().map(|trace| trace.to_string().into()),
            state: draft
                .trace
                .as_ref()
                .and_then(|trace| Some(trace.state.as_ref()?.as_str().into())),
        }
    }

    fn draft(self, mut body: Bytes) -> Result<Draft, EnvelopeError> {
        let bad = |error: &dyn std::fmt::Display| EnvelopeError::Header(error.to_string());
        let audience = self.to.parse().map_err(|error| bad(&error))?;
        let event = self.event.map(|event| EventName::new(&event)).transpose();
        let attached = self.attachments.iter().try_fold(0_usize, |sum, len| sum.checked_add(*len));
        let args_len = attached.and_then(|attached| body.len().checked_sub(attached));
        let args = body.split_to(args_len.ok_or(EnvelopeError::Part("payload"))?);
        let attachments = self.attachments.iter().map(|len| body.split_to(*len)).collect();
        let narrowing = self.only.map(Only::narrowing).transpose().map_err(|error| bad(&error))?;
        let untasked = match (self.volatile, self.kept) {
            (true, _) => Kind::Volatile,
            (false, true) => Kind::Kept,
            (false, false) => Kind::Plain,
        };
        let state = self.state.and_then(|state| TraceState::parse(&state));
        let trace = self.trace.and_then(|trace| Trace::parse(&trace));
        let trace = trace.map(|trace| Trace { state, ..trace });
        Ok(Draft {
            audience,
            narrowing: narrowing.map(Arc::new),
            event: event.map_err(|error| bad(&error))?,
            payload: Payload::joined(args, attachments).ok_or(EnvelopeError::Part("text"))?,
            kind: self.task.map_or(untasked, Task::kind),
            origin: if self.backend { Origin::Backend } else { Origin::Worker },
            handed_in: SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_micros(self.handed_in))
                .ok_or(EnvelopeError::Part("time"))?,
            trace: trace.map(Box::new),
        })
    }
}

impl<'a> Task<'a> {
    fn of(kind: &'a Kind) -> Option<Self> {
        let (Kind::Progress { task, order } | Kind::Final { task, order }) = kind else {
            return None;
        };
        Some(Self {
            id: (&*task.identity).into(),
            run: task.run.as_deref().map(Cow::from),
            end: kind.is_final(),
            version: order.version.map(f64::to_bits),
            stamp: order.stamp.map(|stamp| (stamp.millis, stamp.count)),
        })
    }

    fn kind(self) -> Kind {
        let run = self.run.as_deref().map(Arc::from);
        let task = TaskKey { identity: Arc::from(&*self.id), run };
        let stamp = self.stamp.map(|(millis, count)| Stamp { millis, count });
        let order = Order { version: self.version.map(f64::from_bits), stamp };
        if self.end { Kind::Final { task, order } } else { Kind::Progress { task, order } }
    }
}

/// Takes what stands before the next line end.
fn line(bytes: &mut Bytes, what: &'static str) -> Result<Bytes, EnvelopeError> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(EnvelopeError::Part(what))?;
    let mut line = bytes.split_to(end + 1);
    line.truncate(end);
    Ok(line)
}

fn position(line: &[u8]) -> Result<Position, EnvelopeError> {
    let read = || {
        let (epoch, seq) = std::str::from_utf8(line).ok()?.split_once('-')?;
        Some(Position { epoch: Epoch::new(epoch)?, seq: seq.parse().ok()? })
    };
    read().ok_or(EnvelopeError::Part("position"))
}

/// What the fuzzer feeds: bytes under our own prefix. What is read says the same when it is sealed again.
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(feature = "fuzzing"), expect(unreachable_pub, reason = "the fuzzer is outside"))]
pub fn fuzzed_envelope(bytes: &[u8]) {
    let read = |bytes: Bytes| Arc::<Notice>::try_from(Envelope(bytes));
    let Ok(notice) = read(Bytes::copy_from_slice(bytes)) else { return };
    let Position { epoch, seq } = &notice.position;
    let sealed = [format!("{epoch}-{seq}\n").as_bytes(), &seal(&notice.draft)].concat();
    let again = read(sealed.into()).expect("what was sealed here is read here");
    assert_eq!(format!("{again:?}"), format!("{notice:?}"));
}

#[cfg(test)]
mod tests;
