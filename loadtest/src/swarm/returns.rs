//! How clients come back: when, as stock ones do, and with the cursor of what they heard last.

use std::{collections::BTreeSet, time::Duration};

/// `reconnectionDelay`, `reconnectionDelayMax` and `randomizationFactor` of socket.io-client as it comes. The
/// delay doubles with each attempt that fails.
const DELAY: Duration = Duration::from_secs(1);
const DELAY_MAX: Duration = Duration::from_secs(5);
const RANDOMIZATION: f64 = 0.5;
/// Beyond so many the delay is at its longest in any case.
const DOUBLINGS_MAX: u32 = 4;

/// Who comes back, and when.
#[derive(Debug, Default)]
pub(super) struct Returns {
    /// By time, counted from the epoch.
    due: BTreeSet<(Duration, usize)>,
    /// By client.
    returners: Vec<Returner>,
    /// How much later than its time one was taken, at most. All who were due meanwhile came together.
    pub(super) late_max: Duration,
}

#[derive(Debug, Clone, Default)]
struct Returner {
    /// Attempts since it had its place.
    attempts: u32,
    /// The id of the last notice it heard. Empty: none.
    cursor: String,
}

impl Returns {
    pub(super) fn of(clients: usize) -> Self {
        Self { returners: vec![Returner::default(); clients], ..Self::default() }
    }

    /// Client `number` has lost its connection, or did not get one.
    pub(super) fn left(&mut self, number: usize, now: Duration) {
        let attempts = &mut self.returners[number].attempts;
        self.due.insert((now + delay(*attempts, rand::random_range(-1.0..1.0)), number));
        *attempts += 1;
    }

    pub(super) fn seated(&mut self, number: usize) {
        self.returners[number].attempts = 0;
    }

    /// Moves the cursor. Who hears anything but ends and fresh notices must not move it by that: docs/clients.md.
    pub(super) fn heard(&mut self, number: usize, event: &[u8]) {
        if let Some(id) = id(event) {
            let cursor = &mut self.returners[number].cursor;
            cursor.clear();
            cursor.push_str(id);
        }
    }

    pub(super) fn cursor(&self, number: usize) -> Option<&str> {
        let cursor = self.returners.get(number)?.cursor.as_str();
        (!cursor.is_empty()).then_some(cursor)
    }

    /// One whose time has come.
    pub(super) fn take(&mut self, now: Duration) -> Option<usize> {
        let first = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        self.due.remove(&first);
        let (due, number) = first;
        self.late_max = self.late_max.max(now.saturating_sub(due));
        Some(number)
    }

    /// How long it is until the next one's time.
    pub(super) fn wait(&self, now: Duration) -> Option<Duration> {
        self.due.first().map(|(due, _)| due.saturating_sub(now))
    }
}

/// The delay after so many attempts, moved by `chance` of at most one to either side.
fn delay(attempts: u32, chance: f64) -> Duration {
    let delay = DELAY * 2_u32.pow(attempts.min(DOUBLINGS_MAX));
    delay.mul_f64(1.0 + RANDOMIZATION * chance).min(DELAY_MAX)
}

/// The id in the second argument of a task notice.
fn id(event: &[u8]) -> Option<&str> {
    const BEFORE: &[u8] = br#",{"id":""#;
    let start = event.windows(BEFORE.len()).rposition(|window| window == BEFORE)? + BEFORE.len();
    let len = event[start..].iter().position(|byte| *byte == b'"')?;
    str::from_utf8(&event[start..start + len]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_doubles_up_to_its_longest_and_moves_by_half_to_either_side() {
        let millis = |attempts, chance| delay(attempts, chance).as_millis();
        assert_eq!([millis(0, 0.0), millis(0, -1.0), millis(0, 1.0)], [1_000, 500, 1_500]);
        assert_eq!([millis(1, 0.0), millis(2, 0.0), millis(2, 1.0)], [2_000, 4_000, 5_000]);
        assert_eq!([millis(3, -1.0), millis(99, -1.0)], [4_000, 5_000]);
    }

    #[test]
    fn who_failed_comes_at_its_time_and_with_what_it_heard_last() {
        let mut returns = Returns::of(2);
        assert_eq!(returns.cursor(1), None);
        returns.heard(
            1,
            br#"/notice,["file.complete",{"id":"x"},{"id":"user:1@/notice:E-7","replayed":false}]"#,
        );
        returns.heard(1, br#"/notice,["departing",{"reason":"drain"}]"#);
        assert_eq!(returns.cursor(1), Some("user:1@/notice:E-7"));

        returns.left(1, Duration::from_secs(9));
        assert_eq!(returns.take(Duration::from_millis(9_499)), None);
        assert!(returns.wait(Duration::from_secs(9)).unwrap() <= Duration::from_millis(1_500));
        assert_eq!(returns.take(Duration::from_millis(10_500)), Some(1));
        assert_eq!(returns.wait(Duration::ZERO), None);
        assert!(returns.late_max <= Duration::from_secs(1));
    }
}
