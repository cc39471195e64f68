//! Readings of the store for those who come: where many come to one audience at once, as after a cut, one reads
//! for all.
//!
//! Promise: what a seat is given was read after it had asked. Who comes while a reading is under way waits for
//! the next one, for it may have missed what that one came too early for.

use std::{collections::HashMap, sync::Arc};

use adapter::{BusError, CatchUp};
use notice::{Audience, Position};
use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::Instant};

/// What is read, and after which position; none: of the window.
type Key = (Audience, Option<Position>);

type Outcome = Result<CatchUp, BusError>;

/// The readings that are under way or waited for.
#[derive(Debug, Default)]
pub(crate) struct Readings(Mutex<HashMap<Key, Arc<Desk>>>);

/// Where those wait who want the same.
#[derive(Debug)]
struct Desk {
    /// One reads at a time.
    turn: Semaphore,
    /// The last reading, for those who had asked before it began.
    last: Mutex<Option<(Instant, Outcome)>>,
}

/// One who wants to read. With the last of them the desk goes.
struct Asking<'a> {
    readings: &'a Readings,
    key: Key,
    desk: Arc<Desk>,
}

impl Readings {
    /// What `read` gives, or what it has given to somebody who asked for the same meanwhile. `true`: it was
    /// read for this one.
    pub(crate) async fn read(
        &self,
        key: Key,
        read: impl Future<Output = Outcome>,
    ) -> (bool, Outcome) {
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

    fn ask(&self, key: Key) -> Asking<'_> {
        let mut desks = self.0.lock();
        let desk = desks
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Desk { turn: Semaphore::new(1), last: Mutex::default() }));
        Asking { readings: self, key, desk: Arc::clone(desk) }
    }
}

impl Drop for Asking<'_> {
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

    use notice::UserId;
    use tokio::sync::oneshot;

    use super::*;

    fn key() -> Key {
        (Audience::tasks_of(UserId::new("5").unwrap()), None)
    }

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn of_those_who_ask_while_one_reads_one_reads_for_all_after_that() {
        let (readings, count) = (Readings::default(), Cell::new(0));
        let (end, ended) = oneshot::channel::<()>();
        let counted = || {
            count.set(count.get() + 1);
            ready(Ok(CatchUp::default()))
        };
        let slow = async {
            ended.await.ok();
            Ok(CatchUp::default())
        };
        let mut first = pin!(readings.read(key(), slow));
        assert!(poll(first.as_mut()).is_pending());
        let late = || readings.read(key(), async { counted().await });
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
            assert!(readings.read(key(), ready(Ok(CatchUp::default()))).await.0);
        }
    }
}
