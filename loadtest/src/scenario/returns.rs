//! Clients that come back whenever they are cut, and a worker that hands in ends for them the whole time.

mod ledger;
mod worker;

pub(super) use self::{
    ledger::{Asked, Ledger},
    worker::Worker,
};

use std::time::Duration;

use tokio::time::Instant;

use crate::{failure::Failure, report::Sheet, scenario::delays, swarm::Swarm};

const STEP: Duration = Duration::from_millis(20);

/// Both of them, on one clock.
pub(super) struct Scene {
    pub(super) swarm: Swarm<Ledger>,
    pub(super) worker: Worker,
    epoch: Instant,
    clients: usize,
}

impl Scene {
    /// All of `swarm` have their places, and come back from now on; the worker begins.
    pub(super) fn open(
        mut swarm: Swarm<Ledger>,
        mut worker: Worker,
        epoch: Instant,
    ) -> Result<Self, Failure> {
        swarm.watch(&mut worker.publishers)?;
        swarm.let_return();
        let clients = swarm.roll().seated;
        Ok(Self { swarm, worker, epoch, clients })
    }

    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(super) fn ledger(&mut self) -> &mut Ledger {
        self.swarm.listener()
    }

    pub(super) fn are_all_back(&self) -> bool {
        self.swarm.roll().seated == self.clients
    }

    /// Goes on until `is_done`, for `limit` at most. Answers whether it was.
    pub(super) fn until(
        &mut self,
        limit: Duration,
        mut is_done: impl FnMut(&mut Self) -> Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        let deadline = self.now() + limit;
        loop {
            if is_done(self)? {
                return Ok(true);
            }
            let now = self.now();
            if now >= deadline {
                return Ok(false);
            }
            let next = self.worker.work(now, self.swarm.listener())?;
            let wait = next.min(STEP).min(deadline.saturating_sub(now));
            self.swarm.turn(wait, &mut self.worker.publishers)?;
        }
    }

    /// Has the worker stop, and waits until all that it handed in was accepted, and then heard: for `limit` at most.
    /// Its connections are closed between, since a server may be tired of idle ones.
    pub(super) fn finish(&mut self, limit: Duration) -> Result<(), Failure> {
        self.worker.stop();
        self.until(limit, |scene| Ok(scene.worker.is_answered()))?;
        self.swarm.unwatch(&mut self.worker.publishers)?;
        self.worker.publishers.clear();
        self.until(limit, |scene| Ok(scene.ledger().missing() == 0)).map(drop)
    }

    /// Says what came of the ends.
    pub(super) fn ends(&mut self, sheet: &mut Sheet) {
        let ledger = self.swarm.listener();
        sheet.count("ends owed", ledger.owed());
        sheet.count("ends delivered", ledger.owed() - ledger.missing());
        sheet.count("ends repeated", ledger.repeated);
        sheet.count("ends lost", ledger.missing());
        sheet.count("ends to somebody else", ledger.astray);
        sheet.count("gaps told", ledger.gaps);
    }

    /// Says how long those who were cut were away.
    pub(super) fn absences(&mut self, sheet: &mut Sheet) {
        let away = self.clients - self.swarm.roll().seated;
        let ledger = self.swarm.listener();
        sheet.count("cuts", ledger.cuts());
        sheet.count("cuts told before", ledger.told);
        sheet.count("attempts to come back", ledger.asked.len());
        sheet.count("not back", away);
        delays(sheet, "away", &ledger.absences_us);
        let late = self.swarm.late_max().as_secs_f64() * 1e3;
        sheet.note("generator: late with an attempt, at most", "ms", late);
    }
}
