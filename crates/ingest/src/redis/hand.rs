//! What one road has in hand: taken, tried, tried again, buried, and at last ready to be acknowledged.
//!
//! Promise: a message is ready to be acknowledged only after it, or what replaces it, was published, or
//! after it lies among the dead letters.

use std::{collections::HashMap, hash::Hash};

use fred::error::Error;
use tokio::time::Instant;

use crate::{
    desk::Desk,
    events,
    fate::Fate,
    intake::Intake,
    metrics::Road,
    redis::{
        graves::Graves,
        ticket::{Ticket, Verdict},
    },
};

/// How much a road may hold, and read at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) batch_len: usize,
    pub(super) len: usize,
    pub(super) bytes: usize,
}

pub(super) struct Hand<M> {
    road: Road,
    desk: Desk<Ticket<M>>,
    graves: Graves,
    limits: Limits,
    /// Everything that is not acknowledged, and since when.
    held: HashMap<M, Held>,
    held_bytes: usize,
    /// Received, and not tried yet. Empty between two turns.
    fresh: Vec<Ticket<M>>,
    /// What the bus did not take, in its order.
    again: Vec<Ticket<M>>,
    condemned: Vec<(Ticket<M>, Verdict)>,
    done: Vec<M>,
}

struct Held {
    since: Instant,
    len_bytes: usize,
}

impl<M: Clone + Eq + Hash> Hand<M> {
    pub(super) fn new(intake: Intake, road: Road, graves: Graves, limits: Limits) -> Self {
        Self {
            road,
            desk: Desk::new(intake, road, limits.len),
            graves,
            limits,
            held: HashMap::new(),
            held_bytes: 0,
            fresh: Vec::new(),
            again: Vec::new(),
            condemned: Vec::new(),
            done: Vec::new(),
        }
    }

    /// How many more may be read now. Of their lengths nothing is known before; they are taken to be as
    /// long as those in hand, so that the limit of bytes is passed by one batch at most.
    pub(super) fn room(&self) -> usize {
        let Limits { batch_len, len, bytes } = self.limits;
        if !self.again.is_empty() || self.held_bytes >= bytes {
            return 0;
        }
        let mean_bytes = (self.held_bytes / self.held.len().max(1)).max(1);
        let fitting = ((bytes - self.held_bytes) / mean_bytes).max(1);
        len.saturating_sub(self.held.len()).min(batch_len).min(fitting)
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether the bus did not take something.
    pub(super) fn is_stuck(&self) -> bool {
        !self.again.is_empty()
    }

    /// When the next one that is held back may be published.
    pub(super) fn due(&self) -> Option<Instant> {
        self.desk.due()
    }

    /// What has been in hand since before `time`.
    pub(super) fn held_since(&self, time: Instant) -> Vec<M> {
        let old = self.held.iter().filter(|(_, held)| held.since <= time);
        old.map(|(mark, _)| mark.clone()).collect()
    }

    /// Counts what was read as in hand; [`Hand::try_fresh`] tries it. What is in hand already was read twice,
    /// and is left out.
    pub(super) fn receive(&mut self, tickets: Vec<Ticket<M>>) {
        for mut ticket in tickets {
            let (since, len_bytes) = (Instant::now(), ticket.json.len());
            if self.held.contains_key(&ticket.mark) {
                continue;
            }
            self.held.insert(ticket.mark.clone(), Held { since, len_bytes });
            self.held_bytes += len_bytes;
            match ticket.verdict.take() {
                Some(verdict) => {
                    events::unusable(&self.graves.metrics, self.road);
                    self.condemned.push((ticket, verdict));
                }
                None => self.fresh.push(ticket),
            }
        }
    }

    /// Tries what was received, unless something waits for another try: nothing passes by that.
    pub(super) async fn try_fresh(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        if self.again.is_empty() {
            self.try_all(fresh).await;
        } else {
            self.again.extend(fresh);
        }
    }

    pub(super) async fn try_again(&mut self) {
        let again = std::mem::take(&mut self.again);
        self.try_all(again).await;
    }

    pub(super) async fn flush(&mut self) {
        let settled = self.desk.flush().await;
        self.note(settled);
    }

    pub(super) async fn flush_all(&mut self) {
        let settled = self.desk.flush_all().await;
        self.note(settled);
    }

    /// Writes the dead letters. What could not be written stays in hand.
    pub(super) async fn bury(&mut self) -> Result<(), Error> {
        if self.condemned.is_empty() {
            return Ok(());
        }
        let letters: Vec<_> = self
            .condemned
            .iter()
            .map(|(ticket, verdict)| ticket.letter(self.road, verdict))
            .collect();
        let mut answers = self.graves.bury(&letters).await.into_iter();
        let mut result = Ok(());
        for (ticket, verdict) in std::mem::take(&mut self.condemned) {
            match answers.next().unwrap_or_else(|| Err(Error::new_canceled())) {
                Ok(()) => self.done.push(ticket.mark),
                Err(error) => {
                    result = Err(error);
                    self.condemned.push((ticket, verdict));
                }
            }
        }
        result
    }

    /// What may be acknowledged.
    pub(super) fn done(&self) -> Vec<M> {
        self.done.clone()
    }

    /// The first `len` of [`Hand::done`] are acknowledged.
    pub(super) fn acknowledged(&mut self, len: usize) {
        for mark in self.done.drain(..len) {
            let held = self.held.remove(&mark);
            self.held_bytes -= held.map_or(0, |held| held.len_bytes);
        }
    }

    /// Lets go of what the bus did not take and of what could not be buried, and says how many that were.
    pub(super) fn give_up(&mut self) -> usize {
        let before = self.done.len();
        self.done.extend(self.again.drain(..).map(|ticket| ticket.mark));
        self.done.extend(self.condemned.drain(..).map(|(ticket, _)| ticket.mark));
        self.done.len() - before
    }

    async fn try_all(&mut self, tickets: Vec<Ticket<M>>) {
        if tickets.is_empty() {
            return;
        }
        let entries = tickets.into_iter().map(Ticket::entry).collect();
        let settled = self.desk.take(entries).await;
        self.note(settled);
    }

    fn note(&mut self, settled: Vec<(Ticket<M>, Fate)>) {
        for (ticket, fate) in settled {
            match fate {
                Fate::NotTaken => self.again.push(ticket),
                Fate::Rejected { reason, error } => {
                    self.condemned.push((ticket, Verdict { reason, error }));
                }
                Fate::Published | Fate::Superseded | Fate::AfterFinal => {
                    self.done.push(ticket.mark);
                }
            }
        }
    }
}
