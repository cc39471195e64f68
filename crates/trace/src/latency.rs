//! Where the time of a notice goes: a line of each node that had it in hand, for those who ask for them by
//! the log's filter. They are taken where the spans end, and name the trace where there is one.

use std::time::{Duration, SystemTime};

use notice::{NodeId, Notice, NoticeId};
use tracing::{Level, debug, enabled};

use crate::spans::{Deliver, Publish};

/// The target of these lines: `carillon::latency=debug` has them written.
const LATENCY: &str = "carillon::latency";

/// When a draft came in, and when it was handed to the bus.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub handed_in: SystemTime,
    pub sent_at: SystemTime,
}

/// The bus has answered: with the notice's id and how many nodes listen to it, unless it was left out, or
/// with an error.
pub fn published<E>(
    span: Option<Publish>,
    outcome: &'static str,
    answer: Result<Option<(&NoticeId, usize)>, E>,
    times: Times,
) {
    let is_failed = answer.is_err();
    let accepted = answer.ok().flatten();
    let say = || {
        if let Some((id, nodes)) = accepted.filter(|_| is_asked_for()) {
            let waited_ms = millis(times.handed_in, times.sent_at);
            let bus_ms = millis(times.sent_at, SystemTime::now());
            debug!(target: LATENCY, waited_ms, bus_ms, nodes, notice.id = %id, "published");
        }
    };
    match span {
        Some(span) if is_failed => span.failed(outcome),
        Some(span) => span.ended(outcome, accepted.map_or(0, |(_, nodes)| nodes), say),
        None => say(),
    }
}

/// A notice that this node has heard and is handing to its sockets. Most are of no interest to anybody.
#[derive(Debug)]
pub struct Hearing {
    span: Option<Deliver>,
    heard_at: SystemTime,
}

impl Hearing {
    /// `None` if it is not recorded and nobody asked for its times.
    pub fn begin(notice: &Notice, node: &NodeId) -> Option<Self> {
        let span = Deliver::begin(notice, node);
        (span.is_some() || is_asked_for()).then(|| Self { span, heard_at: SystemTime::now() })
    }

    /// `sockets` have it, or have it waiting for them.
    pub fn ended(self, notice: &Notice, sockets: usize) {
        let Self { span, heard_at } = self;
        let say = || {
            let age_ms = millis(notice.draft.handed_in, heard_at);
            let sockets_ms = millis(heard_at, SystemTime::now());
            let id = notice.id();
            debug!(target: LATENCY, age_ms, sockets_ms, sockets, notice.id = %id, "delivered");
        };
        match span {
            Some(span) => span.ended(sockets, say),
            None => say(),
        }
    }
}

fn is_asked_for() -> bool {
    enabled!(target: LATENCY, Level::DEBUG)
}

/// From one time to a later one; nothing, if the clocks of two nodes disagree.
pub(crate) fn millis(from: SystemTime, to: SystemTime) -> f64 {
    let seconds = to.duration_since(from).unwrap_or(Duration::ZERO).as_secs_f64();
    (seconds * 1_000_000.0).round() / 1_000.0
}
