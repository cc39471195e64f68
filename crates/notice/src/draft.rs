//! A notice before and after the bus has numbered it.

use std::{sync::Arc, time::SystemTime};

use crate::{
    audience::Audience,
    event::EventName,
    id::{NoticeId, Position},
    narrowing::Narrowing,
    payload::Payload,
    trace::Trace,
};

/// Checked and ready to be published.
#[derive(Clone, Debug)]
pub struct Draft {
    pub audience: Audience,
    /// Which of them, where not all.
    pub narrowing: Option<Arc<Narrowing>>,
    /// `None` only for a notice to one socket: it arrives as the event named by that socket's id.
    pub event: Option<EventName>,
    pub payload: Payload,
    pub kind: Kind,
    pub origin: Origin,
    /// When the worker or backend handed it in; deliveries are timed from here.
    pub handed_in: SystemTime,
    /// Given where it is published, if what becomes of it is recorded.
    pub trace: Option<Box<Trace>>,
}

/// A draft that the bus has accepted and numbered. Shared, never changed.
#[derive(Clone, Debug)]
pub struct Notice {
    pub draft: Draft,
    pub position: Position,
}

impl Notice {
    pub fn id(&self) -> NoticeId {
        NoticeId { audience: self.draft.audience.clone(), position: self.position.clone() }
    }
}

/// What may happen to a notice on its way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Newest wins: an older one of the same task may be skipped.
    Progress { task: TaskKey, order: Order },
    /// The end of a task: kept and replayed, never skipped, followed by no progress of its task.
    Final { task: TaskKey, order: Order },
    /// Neither: delivered once to those who are there.
    Plain,
    /// Plain, and kept for those who come into its room later.
    Kept,
    /// Plain, and left out where it would have to wait for the socket.
    Volatile,
}

impl Kind {
    pub fn task(&self) -> Option<&TaskKey> {
        match self {
            Self::Progress { task, .. } | Self::Final { task, .. } => Some(task),
            Self::Plain | Self::Kept | Self::Volatile => None,
        }
    }

    /// The task whose newer progress may stand for this.
    pub fn replaceable(&self) -> Option<&TaskKey> {
        self.task().filter(|_| self.is_progress())
    }

    pub fn is_final(&self) -> bool {
        matches!(self, Self::Final { .. })
    }

    pub fn is_progress(&self) -> bool {
        matches!(self, Self::Progress { .. })
    }
}

/// Which task of its user a notice is about. A new `run` starts the task anew.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TaskKey {
    pub identity: Arc<str>,
    pub run: Option<Arc<str>>,
}

/// Where a notice stands among those of its task.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Order {
    /// The worker's own count, finite. Decides where both sides carry one.
    pub version: Option<f64>,
    /// Given at first intake and kept through retries; `None` means "when it is stored".
    pub stamp: Option<Stamp>,
}

impl Eq for Order {}

/// Milliseconds since the Unix epoch and a count within them, as in a Redis stream's entry id.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Stamp {
    pub millis: u64,
    pub count: u64,
}

/// Who spoke. A worker's notice carries its id as a second argument; a backend's emit carries exactly
/// what was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    Worker,
    Backend,
}
