//! One message that a road has taken and not acknowledged.

use std::time::SystemTime;

use bytes::Bytes;
use notice::{Stamp, TraceParent};

use crate::{dead_letters::DeadLetter, desk::Entry, metrics::Road};

/// The reason of an entry that holds no message.
pub(super) const NO_JSON: &str = "no_json";

/// What is needed to try it, to acknowledge it and to bury it. `M` is how its road acknowledges it.
#[derive(Clone, Debug)]
pub(super) struct Ticket<M> {
    pub(super) mark: M,
    pub(super) json: Bytes,
    pub(super) stamp: Option<Stamp>,
    pub(super) handed_in: SystemTime,
    /// The trace that it continues, where its entry says so.
    pub(super) parent: Option<TraceParent>,
    /// How often it was handed to somebody, this time included.
    pub(super) tries: u32,
    /// The id of the stream's entry, where it is one.
    pub(super) origin: Option<String>,
    /// Already known to be of no use.
    pub(super) verdict: Option<Verdict>,
}

/// Why nobody can use it.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) reason: &'static str,
    pub(super) error: String,
}

impl<M: Clone> Ticket<M> {
    pub(super) fn entry(self) -> Entry<Self> {
        let Self { json, stamp, handed_in, parent, .. } = &self;
        let (json, stamp, handed_in, parent) = (json.clone(), *stamp, *handed_in, parent.clone());
        Entry { json, stamp, handed_in, parent, ticket: self }
    }

    pub(super) fn letter(&self, road: Road, verdict: &Verdict) -> DeadLetter {
        DeadLetter {
            json: self.json.clone(),
            reason: verdict.reason,
            error: verdict.error.clone(),
            tries: self.tries,
            source: road.label(),
            origin: self.origin.clone(),
            handed_in: self.handed_in,
        }
    }
}
