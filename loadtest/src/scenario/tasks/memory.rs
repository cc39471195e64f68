//! Resident memory over the length of a run: at its start, half-way, at its highest, at its end.

use std::time::Duration;

use crate::{report::Sheet, scenario::meter::Reading};

/// Readings in the order of time.
#[derive(Debug, Default)]
pub(super) struct Film {
    /// A, B and Redis, in KiB. Its owner bounds how many by how long the run may be.
    frames: Vec<(Duration, [f64; 3])>,
}

impl Film {
    pub(super) fn add(&mut self, now: Duration, reading: &Reading) {
        let rss = |at: usize| reading.memory.get(at).map_or(0.0, |memory| memory.rss_kib);
        let redis = reading.redis_memory.map_or(0.0, |memory| memory.rss_kib);
        self.frames.push((now, [rss(0), rss(1), redis]));
    }

    pub(super) fn show(&self, sheet: &mut Sheet) {
        for (at, who) in ["A", "B", "Redis"].into_iter().enumerate() {
            let rss: Vec<f64> = self.frames.iter().map(|(_, all)| all[at]).collect();
            for (name, kib) in ["at start", "half-way", "peak", "at end"].iter().zip(marks(&rss)) {
                sheet.note(format!("RSS of {who}, {name}"), "MiB", kib / 1024.0);
            }
        }
    }

    /// When the last frame was taken.
    pub(super) fn last(&self) -> Option<Duration> {
        self.frames.last().map(|(now, _)| *now)
    }
}

/// First, middle, highest and last.
fn marks(values: &[f64]) -> [f64; 4] {
    let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
    let peak = values.iter().copied().fold(0.0, f64::max);
    [at(0), at(values.len() / 2), peak, at(values.len().saturating_sub(1))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_moments_are_shown_of_a_run() {
        let shown = marks(&[1.0, 9.0, 4.0, 3.0, 2.0]);
        assert!(shown.iter().zip([1.0, 4.0, 9.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(marks(&[]).iter().all(|none| none.abs() < 1e-9));
    }
}
