//! Which audiences are compared with the store next, and why: all of them now and then, a part at a time.
//!
//! May not enter: the comparing itself.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use notice::Audience;
use tokio::time::Instant;

use crate::redis::suspicion::Look;

/// In how many parts the store is compared with what was heard, so that it is never asked for all at once.
const PARTS: u32 = 30;

/// One round over the audiences of a node, and when the next one begins.
pub(super) struct Round {
    every: Duration,
    next_at: Instant,
    waiting: VecDeque<Audience>,
    look: Look,
}

impl Round {
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self { every, next_at: now + every, waiting: VecDeque::new(), look: Look::Round }
    }

    /// Messages were dropped: all are to be compared, those first that wait already. Were they not, none but
    /// the first would ever be while more are dropped.
    pub(super) fn begin_after_loss(&mut self, all: Vec<Audience>) {
        let waiting: HashSet<_> = self.waiting.iter().cloned().collect();
        self.waiting.extend(all.into_iter().filter(|audience| !waiting.contains(audience)));
        self.look = Look::Loss;
    }

    /// Begins the next one if its time has come, over what `all` gives.
    pub(super) fn begin_if_due(&mut self, now: Instant, all: impl FnOnce() -> Vec<Audience>) {
        if self.waiting.is_empty() && self.next_at <= now {
            self.waiting = all().into();
            self.next_at = now + self.every;
            self.look = Look::Round;
        }
    }

    /// How often a part is to be compared.
    pub(super) fn part_every(&self) -> Duration {
        self.every / PARTS
    }

    /// How long the next part is, where there are so many audiences.
    pub(super) fn part_len(&self, audiences: usize) -> usize {
        audiences.div_ceil(PARTS as usize).min(self.waiting.len())
    }

    pub(super) fn look(&self) -> Look {
        self.look
    }

    /// The next of them, no more than so many.
    pub(super) fn take(&mut self, len_max: usize) -> Vec<Audience> {
        self.waiting.drain(..len_max.min(self.waiting.len())).collect()
    }
}

#[cfg(test)]
mod tests {
    //! Whose turn it is.

    use notice::{Namespace, Room, Scope};

    use super::*;

    fn rooms(names: &[&str]) -> Vec<Audience> {
        let room = |name: &&str| Audience {
            namespace: Namespace::root(),
            scope: Scope::Room(Room::new(name).unwrap()),
        };
        names.iter().map(room).collect()
    }

    #[test]
    fn however_often_messages_are_dropped_every_audience_has_its_turn() {
        let mut round = Round::new(Duration::from_secs(30), Instant::now());
        let mut compared = Vec::new();
        for _ in 0..3 {
            round.begin_after_loss(rooms(&["a", "b", "c"]));
            compared.extend(round.take(1));
        }
        assert_eq!(compared, rooms(&["a", "b", "c"]));
    }

    #[test]
    fn after_a_loss_all_are_compared_once_more_and_for_its_sake() {
        let mut round = Round::new(Duration::from_secs(30), Instant::now());
        round.begin_after_loss(rooms(&["a", "b", "c"]));
        assert_eq!(round.take(2), rooms(&["a", "b"]));
        round.begin_after_loss(rooms(&["a", "b", "c"]));
        assert_eq!(round.take(9), rooms(&["c", "a", "b"]));
        assert_eq!(round.look(), Look::Loss);
    }

    #[test]
    fn a_round_begins_when_the_one_before_is_done_and_its_time_has_come() {
        let (now, every) = (Instant::now(), Duration::from_secs(30));
        let mut round = Round::new(every, now);
        round.begin_if_due(now, || rooms(&["a"]));
        assert_eq!(round.part_len(1), 0);
        round.begin_after_loss(rooms(&["b"]));
        round.begin_if_due(now + every, || rooms(&["a"]));
        assert_eq!(round.take(9), rooms(&["b"]));
        round.begin_if_due(now + every, || rooms(&["a"]));
        assert_eq!((round.take(9), round.look()), (rooms(&["a"]), Look::Round));
    }
}
