//! The ends that a node has handed on lately: no progress of their tasks may follow, though a store that
//! has lost an end shows it.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use notice::{Audience, Kind, Notice, TaskKey};
use tokio::time::Instant;

/// Past it the oldest is forgotten.
const LEN_MAX: usize = 16_384;

type Key = (Audience, TaskKey);

#[derive(Default)]
pub(super) struct Finals {
    known: HashSet<Key>,
    /// When each was noted, oldest first.
    ages: VecDeque<(Instant, Key)>,
}

impl Finals {
    /// Notes the notice if it is an end, and forgets what is older than `age`.
    pub(super) fn note(&mut self, notice: &Notice, now: Instant, age: Duration) {
        let Kind::Final { task, .. } = &notice.draft.kind else { return };
        let key = (notice.draft.audience.clone(), task.clone());
        if self.known.insert(key.clone()) {
            self.ages.push_back((now, key));
        }
        let is_over = |noted: Instant| now.duration_since(noted) > age;
        while self.ages.len() > LEN_MAX || self.ages.front().is_some_and(|(at, _)| is_over(*at)) {
            let oldest = self.ages.pop_front();
            oldest.map(|(_, key)| self.known.remove(&key));
        }
    }

    /// Whether the notice is progress of a task whose end was noted.
    pub(super) fn are_before(&self, notice: &Notice) -> bool {
        let Kind::Progress { task, .. } = &notice.draft.kind else { return false };
        self.known.contains(&(notice.draft.audience.clone(), task.clone()))
    }
}
