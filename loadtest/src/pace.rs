//! When each message is meant to be sent. What happens meanwhile never moves it, so a server that
//! stands still is charged for every message it kept waiting.

use std::time::Duration;

use crate::mark::Mark;

/// The remaining messages of one part of the run.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Duration,
    interval: Duration,
    seq_first: u32,
    sent: u32,
    messages: u32,
}

impl Pace {
    /// `messages` of them at `rate` a second, numbered from `seq_first`, the first one at `start`.
    pub(crate) fn new(start: Duration, rate: u32, seq_first: u32, messages: u32) -> Self {
        Self { start, interval: Duration::from_secs(1) / rate, seq_first, sent: 0, messages }
    }

    /// The next message not taken yet.
    pub(crate) fn next(&self) -> Option<Mark> {
        let due = self.start + self.interval * self.sent;
        (self.sent < self.messages).then_some(Mark { seq: self.seq_first + self.sent, due })
    }

    /// Takes the next message if it is due.
    pub(crate) fn take(&mut self, now: Duration) -> Option<Mark> {
        let mark = self.next().filter(|mark| mark.due <= now)?;
        self.sent += 1;
        Some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_taken_late_keeps_its_time_and_moves_no_other() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(second, 2, 10, 3);

        assert_eq!(pace.take(second / 2), None);
        let late = second * 5;
        let due: Vec<_> = std::iter::from_fn(|| pace.take(late)).collect();

        let expected = [(10, 1_000), (11, 1_500), (12, 2_000)]
            .map(|(seq, millis)| Mark { seq, due: Duration::from_millis(millis) });
        assert_eq!(due, expected);
        assert_eq!(pace.next(), None);
    }
}
