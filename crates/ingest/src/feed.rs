//! The near end of the embedded queue: where messages are pushed within one process.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use notice::Stamp;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::metrics::{Counted, Metrics};

/// Pushes messages into the queue of a [`Source`](crate::Source). Clones push into the same.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Bounded; a full queue makes pushers wait.
    queue: mpsc::Sender<Entry>,
    /// The bytes that may be queued or pending; used up, they make pushers wait too.
    bytes: Arc<Semaphore>,
    bytes_max: u32,
    stamps: Arc<Mutex<Stamp>>,
    metrics: Metrics,
}

/// The source has stopped; the message was not queued.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("push message: the source has stopped")]
pub struct FeedClosed;

/// A queued message. It holds its place until it is dropped, which acknowledges it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) json: Bytes,
    /// Given here once, and kept through every retry.
    pub(crate) stamp: Stamp,
    pub(crate) handed_in: SystemTime,
    pub(crate) tries: u32,
    /// The gauge that it counts in: first as lag, then as pending.
    counted: Counted,
    _bytes: OwnedSemaphorePermit,
}

impl Feed {
    pub(crate) fn new(queue: mpsc::Sender<Entry>, bytes_max: u32, metrics: Metrics) -> Self {
        let bytes = Arc::new(Semaphore::new(bytes_max as usize));
        let stamps = Arc::new(Mutex::new(Stamp { millis: 0, count: 0 }));
        Self { queue, bytes, bytes_max, stamps, metrics }
    }

    /// Queues one message, waiting while the queue is full. What was queued is published, or ends as
    /// a dead letter, unless the process ends first. Cancellation-safe.
    pub async fn push(&self, json: Bytes) -> Result<(), FeedClosed> {
        // Even what is longer than the whole queue gets in, to be refused with its reason.
        let len_bytes = u32::try_from(json.len()).unwrap_or(u32::MAX).min(self.bytes_max);
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(len_bytes).await;
        let place = self.queue.reserve().await.map_err(|_| FeedClosed)?;
        let handed_in = SystemTime::now();
        place.send(Entry {
            json,
            stamp: self.stamp(handed_in),
            handed_in,
            tries: 0,
            counted: Counted::new(&self.metrics.lag),
            _bytes: bytes.map_err(|_| FeedClosed)?,
        });
        Ok(())
    }

    /// A stamp later than every one before, even if the clock went back.
    fn stamp(&self, now: SystemTime) -> Stamp {
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let mut last = self.stamps.lock();
        *last = if millis > last.millis {
            Stamp { millis, count: 0 }
        } else {
            Stamp { millis: last.millis, count: last.count + 1 }
        };
        *last
    }
}

impl Entry {
    /// From now on it is pending, no longer lag.
    pub(crate) fn mark_read(&mut self, metrics: &Metrics) {
        self.counted = Counted::new(&metrics.pending);
    }
}

#[cfg(test)]
mod tests {
    //! That the order of pushes shows in their stamps.

    use prometheus::Registry;

    use super::*;

    #[test]
    fn stamps_rise_within_a_millisecond_and_when_the_clock_goes_back() {
        let metrics = Metrics::new(&Registry::new()).unwrap();
        let feed = Feed::new(mpsc::channel(1).0, 1, metrics);
        let stamp = |millis| feed.stamp(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let stamps = [stamp(7), stamp(7), stamp(7), stamp(3), stamp(8)];
        assert!(stamps.is_sorted_by(|earlier, later| earlier < later), "{stamps:?}");
        assert_eq!(stamps[4], Stamp { millis: 8, count: 0 });
    }
}
