//! Store time: the stamp of what came without one.

use std::time::{SystemTime, UNIX_EPOCH};

use notice::Stamp;

/// Gives stamps that only rise, also when the system's clock is set back.
#[derive(Debug)]
pub(super) struct StoreClock {
    last: Stamp,
}

impl StoreClock {
    /// A stamp above all that this clock has given, and above `shown`.
    pub(super) fn after(&mut self, shown: Option<Stamp>) -> Stamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.last = next(self.last).max(Stamp { millis, count: 0 });
        shown.map_or(self.last, |shown| self.last.max(next(shown)))
    }
}

impl Default for StoreClock {
    fn default() -> Self {
        Self { last: Stamp { millis: 0, count: 0 } }
    }
}

fn next(stamp: Stamp) -> Stamp {
    Stamp { count: stamp.count.saturating_add(1), ..stamp }
}
