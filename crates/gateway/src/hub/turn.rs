//! How long one may hand out before others have their turn.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Less than anybody notices, and a hundred writes long.
const TURN: Duration = Duration::from_micros(500);

/// As many seats at most, where a clock stands still.
const SEATS_MAX: usize = 256;

#[derive(Debug)]
pub(crate) struct Turn {
    began: Instant,
    seats_left: usize,
    /// The time of day at its beginning.
    pub(crate) now: SystemTime,
}

impl Turn {
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), seats_left: SEATS_MAX, now: SystemTime::now() }
    }

    /// Counts one more seat.
    pub(crate) fn count(&mut self) {
        self.seats_left = self.seats_left.saturating_sub(1);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.seats_left == 0 || self.began.elapsed() >= TURN
    }
}
