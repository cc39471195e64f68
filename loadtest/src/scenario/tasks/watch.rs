//! What the pages see of each task: how much progress in any second, and whether its end came,
//! once, and as the last.

use std::{collections::VecDeque, time::Duration};

use crate::{mark::Mark, swarm::Listen};

const SECOND: Duration = Duration::from_secs(1);
/// Long enough that it matters little by how much one message was later than the next.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// Most progress of one task in a second that keeps the promise.
const PACE_MAX: usize = 10;

/// All tasks. The message numbered n is of task n modulo the tasks; each has as many steps of
/// progress, and then its end.
#[derive(Debug)]
pub(super) struct Watch {
    steps: u32,
    seen: Vec<Seen>,
    /// From a message's intended hand-in, in microseconds.
    pub(super) progress_delays_us: Vec<u32>,
    pub(super) end_delays_us: Vec<u32>,
    /// What must never happen.
    pub(super) faults: Faults,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    pub(super) progress_after_end: usize,
    pub(super) progress_behind: usize,
    pub(super) ends_early: usize,
    pub(super) ends_twice: usize,
}

/// One task, as its page sees it.
#[derive(Debug, Clone, Default)]
struct Seen {
    in_second: Window,
    in_ten_seconds: Window,
    /// How often a message made its second one of too many.
    crowded: usize,
    progress: u32,
    first: Option<Duration>,
    last: Duration,
    step_next: u32,
    ended: bool,
}

/// How much came in the last while, and the most that ever did.
#[derive(Debug, Clone, Default)]
struct Window {
    came: VecDeque<Duration>,
    len_max: usize,
}

// === impl Watch ===

impl Watch {
    /// Nothing seen yet of `tasks` with `steps` each.
    pub(super) fn new(tasks: u32, steps: u32) -> Self {
        Self {
            steps,
            seen: vec![Seen::default(); tasks as usize],
            progress_delays_us: Vec::new(),
            end_delays_us: Vec::new(),
            faults: Faults::default(),
        }
    }

    pub(super) fn ended(&self) -> usize {
        self.seen.iter().filter(|seen| seen.ended).count()
    }

    /// Most progress of any one task in any one second.
    pub(super) fn in_second_max(&self) -> usize {
        self.seen.iter().map(|seen| seen.in_second.len_max).max().unwrap_or(0)
    }

    /// Most progress of any one task in any ten seconds.
    pub(super) fn in_ten_seconds_max(&self) -> usize {
        self.seen.iter().map(|seen| seen.in_ten_seconds.len_max).max().unwrap_or(0)
    }

    /// Progress that came as the eleventh, or later, within a second.
    pub(super) fn crowded(&self) -> usize {
        self.seen.iter().map(|seen| seen.crowded).sum()
    }

    /// Progress a second of each task from its first to its last, in ascending order.
    pub(super) fn rates(&self) -> Vec<f64> {
        let mut rates: Vec<f64> = self.seen.iter().filter_map(Seen::rate).collect();
        rates.sort_by(f64::total_cmp);
        rates
    }

    fn note(&mut self, mark: Mark, now: Duration) {
        let tasks = u32::try_from(self.seen.len()).expect("there are as many as was asked for");
        let (task, step) = (mark.seq % tasks, mark.seq / tasks);
        let Some(seen) = self.seen.get_mut(task as usize).filter(|_| step <= self.steps) else {
            return;
        };
        let delay = now.saturating_sub(mark.due).as_micros();
        let delay_us = u32::try_from(delay).unwrap_or(u32::MAX);
        if step < self.steps {
            self.progress_delays_us.push(delay_us);
            self.faults.progress_after_end += usize::from(seen.ended);
            self.faults.progress_behind += usize::from(step < seen.step_next);
            seen.progress(step, now);
        } else {
            self.end_delays_us.push(delay_us);
            self.faults.ends_twice += usize::from(seen.ended);
            self.faults.ends_early += usize::from(now < mark.due);
            seen.ended = true;
        }
    }
}

impl Listen for Watch {
    fn event(&mut self, _number: usize, event: &[u8], now: Duration) {
        if let Some(mark) = Mark::find(event) {
            self.note(mark, now);
        }
    }
}

// === impl Seen ===

impl Seen {
    fn progress(&mut self, step: u32, now: Duration) {
        self.in_ten_seconds.note(now, TEN_SECONDS);
        let in_second = self.in_second.note(now, SECOND);
        self.crowded += usize::from(in_second > PACE_MAX);
        self.progress += 1;
        self.first.get_or_insert(now);
        self.last = now;
        self.step_next = self.step_next.max(step + 1);
    }

    fn rate(&self) -> Option<f64> {
        let span = self.last.saturating_sub(self.first?).as_secs_f64();
        (span > 0.0).then(|| f64::from(self.progress - 1) / span)
    }
}

impl Window {
    /// Adds one, and answers how many came within `length` of it.
    fn note(&mut self, now: Duration, length: Duration) -> usize {
        while self.came.front().is_some_and(|came| *came + length <= now) {
            self.came.pop_front();
        }
        self.came.push_back(now);
        self.len_max = self.len_max.max(self.came.len());
        self.came.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: u32 = 3;
    const STEPS: u32 = 200;

    fn note(watch: &mut Watch, task: u32, step: u32, millis: u64) {
        let due = Duration::from_secs(1);
        let now = Duration::from_millis(millis);
        watch.note(Mark { seq: step * TASKS + task, due }, now);
    }

    #[test]
    fn ten_a_second_is_ten_in_any_second_and_one_closer_is_eleven() {
        let mut watch = Watch::new(TASKS, STEPS);
        for step in 0..150 {
            note(&mut watch, 1, step, 2_000 + u64::from(step) * 100);
        }
        let most = |watch: &Watch| (watch.in_second_max(), watch.in_ten_seconds_max());
        assert_eq!((most(&watch), watch.crowded()), ((10, 100), 0));
        assert!(watch.rates().iter().all(|rate| (rate - 10.0).abs() < 1e-9));

        note(&mut watch, 1, 150, 16_999);
        assert_eq!((most(&watch), watch.crowded()), ((11, 101), 1));
    }

    #[test]
    fn the_seconds_of_one_task_are_not_anothers() {
        let mut watch = Watch::new(TASKS, STEPS);
        for task in 0..TASKS {
            for step in 0..8 {
                note(&mut watch, task, step, 2_000);
            }
        }
        assert_eq!(watch.in_second_max(), 8);
    }

    #[test]
    fn an_end_is_to_come_once_and_last_and_not_before_its_time() {
        let mut watch = Watch::new(TASKS, STEPS);
        note(&mut watch, 0, 7, 2_000);
        note(&mut watch, 0, STEPS, 2_001);
        assert_eq!((watch.ended(), &watch.faults), (1, &Faults::default()));

        note(&mut watch, 0, 6, 2_002);
        note(&mut watch, 0, STEPS, 2_003);
        note(&mut watch, 2, STEPS, 999);
        let faults =
            Faults { progress_after_end: 1, progress_behind: 1, ends_early: 1, ends_twice: 1 };
        assert_eq!((watch.ended(), &watch.faults), (2, &faults));
    }

    #[test]
    fn what_is_of_no_task_is_not_counted() {
        let mut watch = Watch::new(TASKS, STEPS);
        note(&mut watch, 0, STEPS + 1, 2_000);
        assert!(watch.progress_delays_us.is_empty() && watch.end_delays_us.is_empty());
    }
}
