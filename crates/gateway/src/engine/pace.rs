//! How much a socket may say: a token bucket in one number, which asks for nothing while it is quiet.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Until when all that was said would have been said at the allowed rate, in microseconds of the gateway's
/// clock. One that says less is always at present.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Counts so much more, unless that would be further `ahead` of its time than that.
    pub(super) fn take(&self, amount: u64, now_us: u64, per_second: u64, ahead: Duration) -> bool {
        let price = (amount.saturating_mul(1_000_000) / per_second.max(1)).max(1);
        let ahead = u64::try_from(ahead.as_micros()).unwrap_or(u64::MAX);
        let latest = now_us.saturating_add(ahead);
        let said = |until: u64| Some(until.max(now_us) + price).filter(|until| *until <= latest);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, said).is_ok()
    }
}

#[cfg(test)]
mod tests {
    //! What fits into a second, and into the next.

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn taken(pace: &Pace, now_us: u64) -> usize {
        (0..1_000).filter(|_| pace.take(1, now_us, 100, SECOND)).count()
    }

    #[test]
    fn a_burst_of_a_seconds_worth_fits_and_then_as_much_as_time_allows() {
        let pace = Pace::default();
        assert_eq!(taken(&pace, 5_000_000), 100);
        assert_eq!(taken(&pace, 5_000_000), 0);
        assert_eq!(taken(&pace, 5_500_000), 50);
        assert_eq!(taken(&pace, 60_000_000), 100);
    }

    #[test]
    fn who_keeps_to_the_rate_is_never_refused() {
        let pace = Pace::default();
        assert!((0..10_000).all(|n| pace.take(1, n * 10_000, 100, SECOND)));
    }
}
