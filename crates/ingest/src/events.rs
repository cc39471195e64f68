//! What happens to messages, said once in the log and in the counters. Never with their content.

use std::time::Duration;

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
    let count = |outcome| fates.clone().filter(|fate| outcome_of(fate) == outcome).count();
    for outcome in Outcome::ALL {
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

/// A queued message will never be usable.
pub(crate) fn dead_lettered(metrics: &Metrics, letter: &DeadLetter) {
    metrics.dead_letters(letter.reason).inc();
    let DeadLetter { reason, tries, json, .. } = letter;
    tracing::warn!(reason, tries, len_bytes = json.len(), "message is a dead letter");
}

/// The bus did not take all of a batch; it is tried again after `wait`.
pub(crate) fn held_up(messages: usize, wait: Duration) {
    tracing::warn!(messages, wait = ?wait, "bus takes no messages for now");
}

/// The queue was told to stop while the bus took nothing more: these are lost with the process.
pub(crate) fn abandoned(messages: usize) {
    tracing::error!(messages, "queue stopped before its last messages were published");
}

fn outcome_of(fate: &Fate) -> Outcome {
    match fate {
        Fate::Published => Outcome::Published,
        Fate::Superseded => Outcome::Superseded,
        Fate::AfterFinal => Outcome::AfterFinal,
        Fate::Rejected { .. } => Outcome::Rejected,
        Fate::NotTaken => Outcome::NotTaken,
    }
}
