//! What is kept of single notices on their way to the sockets: spans, lines of latency, exemplars.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use notice::Notice;
use trace::Hearing;

use crate::{events::Events, exemplars::Exemplar};

/// Those among the notices of a fan-out of which anything is kept; most often none.
#[derive(Debug, Default)]
pub(crate) struct Timed(Vec<(Arc<Notice>, Hearing)>);

impl Timed {
    pub(crate) fn add(&mut self, notice: &Arc<Notice>, hearing: Hearing) {
        self.0.push((Arc::clone(notice), hearing));
    }

    /// All `sockets` have them.
    pub(crate) fn ended(self, sockets: usize, events: &Events) {
        for (notice, hearing) in self.0 {
            if let Some(trace) = notice.draft.trace.as_ref().filter(|_| sockets > 0) {
                let at = SystemTime::now();
                let took = at.duration_since(notice.draft.handed_in).unwrap_or(Duration::ZERO);
                events.exemplars.keep(Exemplar { trace: trace.id, took, at });
            }
            hearing.ended(&notice, sockets);
        }
    }
}
