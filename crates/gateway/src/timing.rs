//! What is kept of single notices on their way to the sockets: spans, lines of latency, exemplars.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use adapter::Arrival;
use notice::{NodeId, Notice};
use trace::Hearing;

use crate::{events::Events, exemplars::Exemplar};

/// Those among some arrivals of which anything is kept; most often none.
pub(crate) struct Timed<'a>(Vec<(&'a Arc<Notice>, Hearing)>);

impl<'a> Timed<'a> {
    pub(crate) fn begin(part: &'a [Arrival], node: &NodeId) -> Self {
        let timed = part.iter().filter_map(|arrival| match arrival {
            Arrival::Notice(notice) => Some((notice, Hearing::begin(notice, node)?)),
            Arrival::Gap(_) | Arrival::Renumbered { .. } | Arrival::PutOut { .. } => None,
        });
        Self(timed.collect())
    }

    /// All `sockets` have them.
    pub(crate) fn ended(self, sockets: usize, events: &Events) {
        for (notice, hearing) in self.0 {
            if let Some(trace) = notice.draft.trace.as_ref().filter(|_| sockets > 0) {
                let at = SystemTime::now();
                let took = at.duration_since(notice.draft.handed_in).unwrap_or(Duration::ZERO);
                events.exemplars.keep(Exemplar { trace: trace.id, took, at });
            }
            hearing.ended(notice, sockets);
        }
    }
}
