//! A worker that hands in one end after the other, each at its time, whatever becomes of clients and nodes.

use std::time::Duration;

use crate::{
    failure::Failure,
    pace::Pace,
    publisher::Publisher,
    scenario::{cluster::Road, returns::Ledger},
    target::Kind,
};

/// Where it goes and for whom it works.
pub(in crate::scenario) struct Worker {
    pub(in crate::scenario) publishers: Vec<Publisher>,
    road: Road,
    kind: Kind,
    bytes: usize,
    /// Whose end is the one of this number.
    user: Box<dyn Fn(u32) -> usize>,
    /// None: it has stopped.
    pace: Option<Pace>,
}

impl Worker {
    /// One that has its first end at `start`, and `rate` a second.
    pub(in crate::scenario) fn new(
        publishers: Vec<Publisher>,
        (road, kind): (Road, Kind),
        bytes: usize,
        (start, rate): (Duration, u32),
        user: impl Fn(u32) -> usize + 'static,
    ) -> Self {
        let pace = Some(Pace::new(start, rate, 0, u32::MAX));
        Self { publishers, road, kind, bytes, user: Box::new(user), pace }
    }

    /// Hands in what is due, and answers how long it is until the next.
    pub(in crate::scenario) fn work(
        &mut self,
        now: Duration,
        ledger: &mut Ledger,
    ) -> Result<Duration, Failure> {
        let Some(pace) = &mut self.pace else { return Ok(Duration::MAX) };
        while let Some(mark) = pace.take(now) {
            let user = (self.user)(mark.seq);
            let connection = user % self.publishers.len();
            let publisher = &mut self.publishers[connection];
            ledger.owe(user, mark.due);
            self.road.hand_in(self.kind, publisher, &user.to_string(), mark, self.bytes)?;
        }
        Ok(pace.next().map_or(Duration::MAX, |next| next.due.saturating_sub(now)))
    }

    pub(in crate::scenario) fn stop(&mut self) {
        self.pace = None;
    }

    /// Whether all that it handed in was accepted.
    pub(in crate::scenario) fn is_answered(&self) -> bool {
        self.publishers.iter().all(|publisher| publisher.unanswered == 0)
    }
}
