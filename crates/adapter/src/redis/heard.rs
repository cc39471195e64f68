//! One audience that a node listens to: who is in it here, and how far it was heard.
//!
//! May not enter: anything that waits, and what other audiences there are.

use std::mem;

use notice::Position;
use tokio::{sync::oneshot, time::Instant};

use crate::redis::{
    mark::Mark,
    primaries::{Run, Runs},
    suspicion::{Sighting, Suspect, Why},
};

#[derive(Debug)]
pub(super) struct Heard {
    pub(super) members: u32,
    pub(super) until: Instant,
    pub(super) is_lingering: bool,
    pub(super) is_confirmed: bool,
    /// Its connection or its primary is a new one, and it was not compared with the store since: what comes next
    /// by its number may come behind something that was given a known one.
    pub(super) is_in_doubt: bool,
    /// Members who wait for the confirmation, or for why there will be none.
    pub(super) waiting: Vec<oneshot::Sender<Result<(), String>>>,
    pub(super) mark: Mark,
    /// The process that the mark goes by.
    pub(super) run: Option<Run>,
}

impl Heard {
    pub(super) fn new() -> Self {
        Self {
            members: 0,
            until: Instant::now(),
            is_lingering: false,
            is_confirmed: false,
            is_in_doubt: false,
            waiting: Vec::new(),
            mark: Mark::default(),
            run: None,
        }
    }

    /// A slot that moves to another process of the same cluster takes along all that it has; the one it
    /// was with still lives.
    pub(super) fn suspicion(&mut self, sighting: Sighting, runs: &Runs) -> Option<Suspect> {
        let Sighting { audience, heard, newest, run } = sighting;
        let before = mem::replace(&mut self.run, run);
        let is_taken_over = before.is_some_and(|before| !runs.has(&before));
        let lives = |heard: &Position| newest.as_ref().is_some_and(|at| at.epoch == heard.epoch);
        let ended = self.mark.take_former().or(heard.clone().filter(|heard| !lives(heard)));
        let ended = ended.filter(|_| is_taken_over);
        let why = match (ended, newest) {
            (Some(ended), _) => Why::Emptied(ended),
            (None, Some(newest)) if heard.is_some_and(|at| has_lost(&newest, &at)) => Why::Lost,
            (None, Some(newest)) if is_taken_over => Why::TakenOver(newest),
            (None, Some(newest)) if self.mark.is_behind(&newest) => Why::Behind(newest),
            // It is where it was heard; or is not counted, because it grew too old or never was.
            _ => return None,
        };
        Some(Suspect { audience, why })
    }
}

/// Whether the store, at `newest`, has less than was heard.
fn has_lost(newest: &Position, heard: &Position) -> bool {
    heard.epoch == newest.epoch && heard.seq > newest.seq
}
