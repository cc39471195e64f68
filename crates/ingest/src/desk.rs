//! Where worker messages of every source wait their turn: conflated per task, published at the pace,
//! each given its fate.
//!
//! May enter: messages with their tickets. May not enter: where they came from, and how a ticket is
//! settled. Time passes only when the owner asks what is due.
//!
//! Promise: every ticket taken is given back once. What is held is never published after something newer
//! of its task, and what was left out shares the fate of what replaced it: it is settled only when that is.

mod bundle;
mod tasks;

use std::{
    fmt, mem,
    time::{Duration, SystemTime},
};

use adapter::{PublishError, Published};
use bytes::Bytes;
use notice::{Kind, Stamp, TraceParent};
use tokio::time::{Instant, sleep_until};
use trace::Reader;

use self::{bundle::Bundle, tasks::Tasks};
use crate::{events, fate::Fate, intake::Intake, metrics::Road};

/// How many messages are read before others get a turn.
const TURN_LEN: usize = 256;
/// How many drafts are published before the time is looked at again: a task's next progress is counted
/// from the end of its part.
const PART_LEN: usize = 1_024;
/// How many times the pace the last of what is held may take, should others be quicker every time.
const PACES_MAX: u32 = 20;

/// What waits to be published, and whose turn is when. `T` is what settles one message. One owner asks it
/// for everything; nothing in here runs by itself.
pub(crate) struct Desk<T> {
    intake: Intake,
    road: Road,
    held_len_max: usize,
    tasks: Tasks<T>,
    /// To be published next, in this order. Empty between two calls.
    outgoing: Vec<(Option<usize>, Bundle<T>)>,
    /// Settled and not handed out yet. Empty between two calls.
    settled: Vec<(T, Fate)>,
    /// Given back to be taken again, by when they were taken. Empty between two calls.
    given_back: Vec<(u64, T)>,
    /// Progress left out for good since it was last counted.
    conflated: usize,
    /// Tickets taken so far.
    taken: u64,
}

/// One message with what is known about it from outside.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) ticket: T,
    pub(crate) json: Bytes,
    /// Given at first intake; `None` leaves it to the store.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) handed_in: SystemTime,
    /// What was said beside the message of the trace that it continues.
    pub(crate) parent: Option<TraceParent>,
}

impl<T> Desk<T> {
    /// Past `held_len_max` tickets it is full, and its owner takes no more until some are settled.
    pub(crate) fn new(intake: Intake, road: Road, held_len_max: usize) -> Self {
        Self {
            intake,
            road,
            held_len_max,
            tasks: Tasks::default(),
            outgoing: Vec::new(),
            settled: Vec::new(),
            given_back: Vec::new(),
            conflated: 0,
            taken: 0,
        }
    }

    /// Takes messages in, publishes what is due, and says what is settled. After a failure of the bus,
    /// what it did not take is given back last, in the order in which it was taken.
    ///
    /// Not cancellation-safe, like all that publishes here: dropped half-way, tickets are lost.
    pub(crate) async fn take(&mut self, entries: Vec<Entry<T>>) -> Vec<(T, Fate)> {
        let now = Instant::now();
        // Grown bit by bit, a large batch would be copied as often.
        self.outgoing.reserve(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            if index % TURN_LEN == TURN_LEN - 1 {
                tokio::task::yield_now().await;
            }
            self.add(entry, now);
        }
        self.flush().await
    }

    /// When the next held progress may be published.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.tasks.due()
    }

    /// Publishes what is due.
    pub(crate) async fn flush(&mut self) -> Vec<(T, Fate)> {
        self.publish_due().await;
        self.hand_out()
    }

    /// Publishes all that is held, waiting for its turn, which is about as long as the pace. What has not
    /// got its turn after many times that, or what the bus does not take, is given back.
    pub(crate) async fn flush_all(&mut self) -> Vec<(T, Fate)> {
        let pace = self.intake.publisher().progress_pace();
        let deadline = Instant::now() + pace * PACES_MAX;
        while let Some(due) = self.tasks.due()
            && self.given_back.is_empty()
            && due < deadline
        {
            // Those that are due soon after go together.
            sleep_until(due.max(Instant::now() + pace / 10)).await;
            self.publish_due().await;
        }
        for bundle in self.tasks.release_all() {
            self.settle(bundle, &Fate::NotTaken);
        }
        self.hand_out()
    }

    /// How many tickets it holds.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len_held()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.held_len_max
    }

    fn add(&mut self, entry: Entry<T>, now: Instant) {
        let Entry { ticket, json, stamp, handed_in, parent } = entry;
        self.taken += 1;
        let reader = Reader { source: self.road.label(), handed_in };
        let sampling = self.intake.sampling();
        match self.intake.read(&json, stamp, handed_in) {
            Ok(message) => {
                let span = sampling.ingest(&reader, message.parent().or(parent));
                let bundle = Bundle::new(message.into_draft(), self.taken, ticket, span);
                self.add_draft(bundle, now);
            }
            Err(fate) => {
                events::refused(&reader, sampling.ingest(&reader, parent), &fate);
                self.settled.push((ticket, fate));
            }
        }
    }

    fn add_draft(&mut self, bundle: Bundle<T>, now: Instant) {
        match &bundle.draft.kind {
            Kind::Plain | Kind::Kept | Kind::Volatile => self.outgoing.push((None, bundle)),
            Kind::Progress { task, .. } => {
                let slot = self.tasks.slot(&bundle.draft.audience, task, now);
                if !bundle.is_placed() {
                    // Only the store can say where it stands among what other replicas take in.
                    self.tasks.set_due(slot, now);
                }
                self.tasks.hold(slot, bundle);
            }
            Kind::Final { task, .. } => {
                let Some(slot) = self.tasks.known(&bundle.draft.audience, task) else {
                    // Nothing of it is held, and nobody need remember when it ended.
                    return self.outgoing.push((None, bundle));
                };
                let is_due = self.tasks.is_due(slot, now);
                let bundle = match self.tasks.release(slot) {
                    Some(held) if is_due => {
                        self.outgoing.push((Some(slot), held));
                        bundle
                    }
                    Some(held) => bundle.in_place_of(held),
                    None => bundle,
                };
                self.outgoing.push((Some(slot), bundle));
                // What follows an end is told so at once.
                self.tasks.set_due(slot, now);
            }
        }
    }

    async fn publish_due(&mut self) {
        let now = Instant::now();
        while let Some((slot, bundle)) = self.tasks.pop_due(now) {
            self.outgoing.push((Some(slot), bundle));
        }
        let mut outgoing = mem::take(&mut self.outgoing).into_iter();
        while outgoing.len() > 0 && self.given_back.is_empty() {
            self.publish(outgoing.by_ref().take(PART_LEN)).await;
        }
        for (_, bundle) in outgoing {
            self.settle(bundle, &Fate::NotTaken);
        }
    }

    async fn publish(&mut self, part: impl Iterator<Item = (Option<usize>, Bundle<T>)>) {
        let mut part: Vec<_> = part.collect();
        let drafts = part.iter_mut().map(|(_, bundle)| bundle.sent()).collect();
        let sent_at = SystemTime::now();
        let answers = self.intake.publisher().publish_all(drafts).await;
        let now = Instant::now();
        for ((slot, mut bundle), answer) in part.into_iter().zip(answers) {
            bundle.answered(&answer, sent_at);
            match slot {
                Some(slot) => self.answered(slot, bundle, answer, now),
                None => self.settle_alone(bundle, answer),
            }
        }
    }

    /// What is of no task.
    fn settle_alone(&mut self, bundle: Bundle<T>, answer: Result<Published, PublishError>) {
        let namespace = &bundle.draft.audience.namespace;
        let is_heard = !matches!(answer, Ok(Published::Accepted { nodes: 0, .. }));
        if !is_heard && !self.intake.serves(namespace) {
            events::unserved(self.intake.metrics(), namespace);
        }
        self.settle(bundle, &Fate::of(answer));
    }

    /// What the bus said to a notice of a task.
    fn answered(
        &mut self,
        slot: usize,
        mut bundle: Bundle<T>,
        answer: Result<Published, PublishError>,
        now: Instant,
    ) {
        if let Ok(Published::Early { wait, stamp }) = answer {
            bundle.place_at(stamp);
            self.tasks.set_due(slot, now + wait + self.courtesy());
            return self.tasks.hold(slot, bundle);
        }
        if bundle.draft.kind.is_final() {
            // Was its progress early just now, the end replaces it.
            if let Some(held) = self.tasks.release(slot) {
                bundle = bundle.in_place_of(held);
            }
            self.tasks.set_due(slot, now);
        } else if matches!(answer, Ok(Published::Accepted { .. } | Published::Superseded)) {
            // Something as new as this has just been shown, by whomever.
            self.tasks.set_due(slot, now + self.intake.publisher().progress_pace());
        }
        self.settle(bundle, &Fate::of(answer));
    }

    /// How much longer than it must a desk waits for a task that another one is publishing too, so that
    /// not both ask the bus at every turn. Whoever calls over HTTP waits for its answer, and no longer.
    fn courtesy(&self) -> Duration {
        match self.road {
            Road::Http => Duration::ZERO,
            _ => self.intake.publisher().progress_pace(),
        }
    }

    fn settle(&mut self, bundle: Bundle<T>, fate: &Fate) {
        let Bundle { own, left_out, span, .. } = bundle;
        if let Some(span) = span {
            span.ended(fate.name());
        }
        if *fate == Fate::NotTaken {
            self.given_back.extend(left_out);
            return self.given_back.push(own);
        }
        self.conflated += left_out.len();
        let left_out = left_out.into_iter().map(|(_, ticket)| (ticket, fate.of_predecessor()));
        self.settled.extend(left_out);
        self.settled.push((own.1, fate.clone()));
    }

    fn hand_out(&mut self) -> Vec<(T, Fate)> {
        self.tasks.forget_idle(Instant::now());
        self.given_back.sort_unstable_by_key(|(taken, _)| *taken);
        let given_back = self.given_back.drain(..).map(|(_, ticket)| (ticket, Fate::NotTaken));
        self.settled.extend(given_back);
        let settled = mem::take(&mut self.settled);
        let conflated = mem::take(&mut self.conflated);
        events::settled(self.intake.metrics(), self.road, &settled, conflated);
        settled
    }
}

impl<T> fmt::Debug for Desk<T> {
    // What is held belongs to users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
