//! Readings of the store for those who come: where many come to one audience at once, as after a cut, one reads
//! for all.
//!
//! Promise: what a seat is given was read after it had asked. Who comes while a reading is under way waits for
//! the next one, for it may have missed what that one came too early for.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use notice::Position;
use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::Instant};

/// What who comes wants to have of an audience.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Want {
    /// The finals of the window.
    Window,
    /// The finals after this.
    After(Position),
    /// Everything after this.
    Missed(Position),
}

/// The readings that are under way or waited for, by what is read.
#[derive(Debug)]
pub(crate) struct Readings<K, T>(Mutex<HashMap<K, Arc<Desk<T>>>>);

/// Where those wait who want the same.
#[derive(Debug)]
struct Desk<T> {
    /// One reads at a time.
    turn: Semaphore,
    /// The last reading, for those who had asked before it began.
    last: Mutex<Option<(Instant, T)>>,
}

/// One who wants to read. With the last of them the desk goes.
struct Asking<'a, K: Eq + Hash, T> {
    readings: &'a Readings<K, T>,
    key: K,
    desk: Arc<Desk<T>>,
}

impl<K, T> Default for Readings<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Readings<K, T> {
    /// What `read` gives, or what it has given to somebody who asked for the same meanwhile. `true`: it was
    /// read for this one.
    pub(crate) async fn read(&self, key: K, read: impl Future<Output = T>) -> (bool, T) {
        let asked_at = Instant::now();
        let asking = self.ask(key);
        let _turn = asking.desk.turn.acquire().await.expect("nobody closes the semaphore");
        if let Some((begun_at, outcome)) = &*asking.desk.last.lock()
            && *begun_at > asked_at
        {
            return (false, outcome.clone());
        }
        let begun_at = Instant::now();
        let outcome = read.await;
        *asking.desk.last.lock() = Some((begun_at, outcome.clone()));
        (true, outcome)
    }

    fn ask(&self, key: K) -> Asking<'_, K, T> {
        let mut desks = self.0.lock();
        let desk = desks
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Desk { turn: Semaphore::new(1), last: Mutex::default() }));
        Asking { readings: self, key, desk: Arc::clone(desk) }
    }
}

impl<K: Eq + Hash, T> Drop for Asking<'_, K, T> {
    fn drop(&mut self) {
        let mut desks = self.readings.0.lock();
        // This one's and the list's own.
        if Arc::strong_count(&self.desk) <= 2 {
            desks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Who reads, and who is read for.

    use std::{
        cell::Cell,
        future::{Future, ready},
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use tokio::sync::oneshot;

    use super::*;

    const KEY: &str = "what all want";

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn of_those_who_ask_while_one_reads_one_reads_for_all_after_that() {
        let (readings, count) = (Readings::default(), Cell::new(0));
        let (end, ended) = oneshot::channel::<()>();
        let counted = || {
            count.set(count.get() + 1);
            ready("read")
        };
        let slow = async {
            ended.await.ok();
            "read"
        };
        let mut first = pin!(readings.read(KEY, slow));
        assert!(poll(first.as_mut()).is_pending());
        let late = || readings.read(KEY, async { counted().await });
        let (mut second, mut third) = (pin!(late()), pin!(late()));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        end.send(()).unwrap();
        assert!(first.await.0);
        let (second, third) = tokio::join!(second, third);
        assert_eq!((second.0, third.0, count.get()), (true, false, 1));
        assert!(readings.0.lock().is_empty());
    }

    #[tokio::test]
    async fn who_comes_when_nobody_reads_reads() {
        let readings = Readings::default();
        for _ in 0..2 {
            assert!(readings.read(KEY, ready("read")).await.0);
        }
    }
}
