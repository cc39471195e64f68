//! Whether clients come back evenly, or in a bunch.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use crate::scenario::returns::Asked;

const SECOND: Duration = Duration::from_secs(1);

/// What one node had of those who came back from another.
#[derive(Debug, PartialEq)]
pub(super) struct Bunch {
    /// In any second.
    pub(super) most: usize,
    /// In a second of the time in which any came back to anywhere, a second of it at least.
    pub(super) mean: f64,
}

impl Bunch {
    /// That of the node that had the most in a second. None where nobody came.
    pub(super) fn largest<'a>(asked: impl Iterator<Item = &'a Asked>) -> Option<Self> {
        let mut by_server: BTreeMap<SocketAddr, Vec<Duration>> = BTreeMap::new();
        for asked in asked {
            by_server.entry(asked.server).or_default().push(asked.at);
        }
        let all = || by_server.values().flatten();
        let span = all().max()?.saturating_sub(*all().min()?).max(SECOND);
        let of = |times: &Vec<Duration>| Self {
            most: most_in_a_second(times),
            mean: count(times.len()) / span.as_secs_f64(),
        };
        by_server.values().map(of).max_by_key(|bunch| bunch.most)
    }

    pub(super) fn ratio(&self) -> f64 {
        count(self.most) / self.mean
    }
}

#[expect(clippy::cast_precision_loss, reason = "clients are far fewer than 2^52")]
fn count(clients: usize) -> f64 {
    clients as f64
}

/// Of times in ascending order.
fn most_in_a_second(times: &[Duration]) -> usize {
    let within = |(first, begin): (usize, &Duration)| {
        times.partition_point(|time| *time < *begin + SECOND) - first
    };
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(port: u16, millis: u64) -> Asked {
        let server = SocketAddr::from(([127, 0, 0, 1], port));
        Asked { cut: Duration::ZERO, at: Duration::from_millis(millis), server }
    }

    #[test]
    fn the_most_of_any_second_is_held_against_the_mean_of_the_same_node() {
        let even = (0..10).map(|n| asked(1, n * 1_000));
        let bunched = [asked(2, 9_000), asked(2, 9_400), asked(2, 9_999), asked(2, 10_000)];
        let all: Vec<_> = even.chain(bunched).collect();
        let bunch = Bunch::largest(all.iter()).unwrap();
        assert_eq!(bunch, Bunch { most: 3, mean: 0.4 });
        assert!((bunch.ratio() - 7.5).abs() < 1e-9);
    }

    #[test]
    fn where_nobody_came_there_is_no_bunch() {
        assert_eq!(Bunch::largest([].iter()), None);
    }
}
