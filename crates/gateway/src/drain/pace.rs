//! How many sockets go at a time: evenly over the time there is, and no more than others take.

use std::time::Duration;

use tokio::time::Instant;

/// How often some of them are told.
pub(super) const TURN: Duration = Duration::from_millis(100);

/// So few hurt nobody, however much time there is.
const AT_ONCE: usize = 5;

/// All have been told `until` then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    until: Instant,
}

impl Pace {
    pub(super) fn new(until: Instant) -> Self {
        Self { until }
    }

    /// How many of those that are `left` go now. `room` is what the others take, if they are there; at the
    /// end of the time it counts no more.
    pub(super) fn due(self, left: usize, now: Instant, room: Option<usize>) -> usize {
        let time = self.until.saturating_duration_since(now);
        let turns = usize::try_from(time.as_millis() / TURN.as_millis()).unwrap_or(usize::MAX);
        if turns == 0 {
            return left;
        }
        left.div_ceil(turns).max(AT_ONCE).min(room.unwrap_or(usize::MAX)).min(left)
    }
}

#[cfg(test)]
mod tests {
    //! Who goes when.

    use super::*;

    #[test]
    fn many_go_evenly_over_the_time_there_is_and_all_by_its_end() {
        let begin = Instant::now();
        let pace = Pace::new(begin + TURN * 100);
        let (mut left, mut most) = (10_000, 0);
        for turn in 0..=100 {
            let due = pace.due(left, begin + TURN * turn, None);
            left -= due;
            most = most.max(due);
        }
        assert_eq!((left, most), (0, 100));
    }

    #[test]
    fn a_few_do_not_wait() {
        let now = Instant::now();
        assert_eq!(Pace::new(now + TURN * 1_000).due(3, now, None), 3);
    }

    #[test]
    fn no_more_go_than_others_have_room_for_until_the_time_is_over() {
        let begin = Instant::now();
        let pace = Pace::new(begin + TURN * 10);
        assert_eq!(pace.due(1_000, begin, Some(2)), 2);
        assert_eq!(pace.due(1_000, begin, Some(0)), 0);
        assert_eq!(pace.due(1_000, begin + TURN * 10, Some(0)), 1_000);
    }
}
