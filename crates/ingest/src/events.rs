//! What happens to messages, said once in the log and in the counters. Never with their content.

use std::time::Duration;

use notice::Namespace;
use trace::{Ingest, Reader};

use crate::{
    dead_letters::DeadLetter,
    fate::Fate,
    metrics::{Metrics, Outcome, Road},
};

/// Messages met their fates; `conflated` were left out for newer ones.
pub(crate) fn settled<T>(metrics: &Metrics, road: Road, settled: &[(T, Fate)], conflated: usize) {
    if settled.is_empty() {
        return;
    }
    let fates = settled.iter().map(|(_, fate)| fate);
    let count = |outcome| fates.clone().filter(|fate| Outcome::of(fate) == outcome).count();
    for outcome in Outcome::SETTLED {
        let count = count(outcome);
        if count > 0 {
            metrics.messages(road, outcome).inc_by(count as u64);
        }
    }
    metrics.conflated.inc_by(conflated as u64);
    let first_bad = fates.clone().find_map(|fate| match fate {
        Fate::Rejected { reason, .. } => Some(*reason),
        _ => None,
    });
    if let (Some(reason), Road::Http) = (first_bad, road) {
        let rejected = count(Outcome::Rejected);
        tracing::info!(road = road.label(), rejected, reason, "messages rejected");
    }
    tracing::trace!(road = road.label(), messages = settled.len(), conflated, "messages settled");
}

/// A message cannot be read. Those of HTTP are counted to their sender, the others become dead letters.
pub(crate) fn refused(reader: &Reader, span: Option<Box<Ingest>>, fate: &Fate) {
    let Fate::Rejected { reason, .. } = fate else { return };
    let say = || tracing::debug!(road = reader.source, reason, "message refused");
    match span {
        Some(span) => span.refused(say),
        None => say(),
    }
}

/// An emit reached nobody, and nobody can be where it went. Said once: it is most often one worker's spelling.
pub(crate) fn unserved(metrics: &Metrics, namespace: &Namespace) {
    if metrics.unserved.get() == 0 {
        tracing::warn!(%namespace, "emit is for a namespace that is not served: public.namespaces lists those that are");
    }
    metrics.unserved.inc();
}

/// A queued message will never be usable.
pub(crate) fn dead_lettered(metrics: &Metrics, letter: &DeadLetter) {
    metrics.dead_letters(letter.reason).inc();
    let DeadLetter { reason, source, tries, json, .. } = letter;
    tracing::warn!(reason, source, tries, len_bytes = json.len(), "message is a dead letter");
}

/// The bus did not take all of a batch; it is tried again after `wait`.
pub(crate) fn held_up(messages: usize, wait: Duration) {
    tracing::warn!(messages, wait = ?wait, "bus takes no messages for now");
}

/// The queue was told to stop while the bus took nothing more: these are lost with the process.
pub(crate) fn abandoned(messages: usize) {
    tracing::error!(messages, "queue stopped before its last messages were published");
}

/// What was taken from a queue could not be tried at all; its dead letter says why.
pub(crate) fn unusable(metrics: &Metrics, road: Road) {
    metrics.messages(road, Outcome::Rejected).inc();
}

/// Heard on a road that keeps nothing, and not taken.
pub(crate) fn dropped(metrics: &Metrics, road: Road, messages: u64) {
    metrics.messages(road, Outcome::Dropped).inc_by(messages);
    tracing::debug!(road = road.label(), messages, "messages dropped");
}

/// Redis does not answer, or says something that will pass.
pub(crate) fn road_stalled(road: Road, error: &str) {
    tracing::warn!(road = road.label(), error, "no messages are taken for now");
}

/// Redis says something that will not pass by itself.
pub(crate) fn road_blocked(road: Road, error: &str) {
    tracing::error!(road = road.label(), error, "no messages are taken until this is mended");
}

/// What was said by one of the two before is over.
pub(crate) fn road_open(road: Road) {
    tracing::info!(road = road.label(), "messages are taken again");
}

/// The stream or its consumer group had vanished under us.
pub(crate) fn group_made_again() {
    tracing::warn!("the stream of tasks had lost its consumer group, which is made again");
}

/// A stop leaves these to whoever comes next.
pub(crate) fn left_behind(road: Road, messages: usize) {
    tracing::warn!(road = road.label(), messages, "stopped with messages not acknowledged");
}

/// Something taken from the list by one who did not finish is there again.
pub(crate) fn given_back(messages: u64) {
    tracing::info!(messages, "messages went back to the list of tasks");
}

/// This node listens to the channel from now on, or no longer.
pub(crate) fn leads(is_leader: bool) {
    tracing::info!(is_leader, "leader of the channel of tasks");
}
