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
    is_over: bool,
    /// The time of day at its beginning.
    pub(crate) now: SystemTime,
}

impl Turn {
    pub(crate) fn begin() -> Self {
        let (began, now) = (Instant::now(), SystemTime::now());
        Self { began, seats_left: SEATS_MAX, is_over: false, now }
    }

    /// Counts one more seat.
    pub(crate) fn count(&mut self) {
        self.seats_left = self.seats_left.saturating_sub(1);
        self.is_over = self.seats_left == 0 || self.began.elapsed() >= TURN;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }
}
