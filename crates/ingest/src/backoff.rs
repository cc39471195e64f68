//! How long to wait before the next try.

use std::time::Duration;

/// Doubling waits up to a limit, each shortened by up to a half at random, so that those who failed
/// together do not return together.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, next: first.min(max) }
    }

    /// The wait after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.max);
        whole.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// Begins anew after a success.
    pub(crate) fn reset(&mut self) {
        self.next = self.first.min(self.max);
    }
}

#[cfg(test)]
mod tests {
    //! How waits grow, and that they stop growing.

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn each_wait_is_at_least_half_of_a_doubling_one_up_to_the_limit() {
        let mut backoff = Backoff::new(50 * MS, 300 * MS);
        for whole in [50, 100, 200, 300, 300] {
            let wait = backoff.next();
            assert!(wait >= whole * MS / 2 && wait <= whole * MS, "{wait:?} of {whole} ms");
        }
    }

    #[test]
    fn a_success_begins_anew() {
        let mut backoff = Backoff::new(50 * MS, 300 * MS);
        backoff.next();
        backoff.next();
        backoff.reset();
        assert!(backoff.next() <= 50 * MS);
    }
}
