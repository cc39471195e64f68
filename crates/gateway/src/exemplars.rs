//! For each bucket of a latency, the last recorded trace that fell into it: the way from a dot on a
//! dashboard to one notice.

use std::{
    array,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

/// The upper ends of the buckets of `carillon_delivery_seconds`.
pub(crate) const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// One trace, and how long it took.
#[derive(Clone, Copy, Debug)]
pub struct Exemplar {
    pub trace: u128,
    pub took: Duration,
    pub at: SystemTime,
}

/// One for each bucket and one beyond the last. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Exemplars(Arc<Mutex<[Option<Exemplar>; BUCKETS.len() + 1]>>);

impl Exemplars {
    /// The metric that they are of.
    pub const OF: &str = "carillon_delivery_seconds";

    pub(crate) fn keep(&self, exemplar: Exemplar) {
        let seconds = exemplar.took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|end| seconds <= *end).unwrap_or(BUCKETS.len());
        self.0.lock()[bucket] = Some(exemplar);
    }

    /// Those there are, each with the upper end of its bucket.
    pub fn all(&self) -> Vec<(f64, Exemplar)> {
        let kept = *self.0.lock();
        let ends: [f64; BUCKETS.len() + 1] =
            array::from_fn(|bucket| BUCKETS.get(bucket).copied().unwrap_or(f64::INFINITY));
        ends.into_iter().zip(kept).filter_map(|(end, kept)| Some((end, kept?))).collect()
    }
}

#[cfg(test)]
mod tests {
    //! Which trace is kept for which bucket.

    use super::*;

    #[test]
    fn each_bucket_shows_its_last_trace() {
        let exemplars = Exemplars::default();
        for (trace, millis) in [(1, 1), (2, 2), (3, 2), (4, 60_000)] {
            let took = Duration::from_millis(millis);
            exemplars.keep(Exemplar { trace, took, at: SystemTime::UNIX_EPOCH });
        }
        let kept: Vec<_> = exemplars.all().iter().map(|(end, kept)| (*end, kept.trace)).collect();
        assert_eq!(kept, [(0.001, 1), (0.0025, 3), (f64::INFINITY, 4)]);
    }
}
