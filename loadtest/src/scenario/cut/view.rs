//! What the node that stays and Redis have spent up to one moment, and what of it was for those who came back.

use std::time::Duration;

use crate::{
    failure::Failure,
    report::Sheet,
    scenario::meter::{Meter, Reading, Spent},
    stats::share,
    target::{Onlooker, Redis, Server},
};

/// Looks at both.
pub(super) struct Onlookers {
    meter: Meter,
    redis: Onlooker,
}

/// Both at one moment.
pub(super) struct View {
    pub(super) at: Duration,
    reading: Reading,
    /// Commands that Redis has carried out, those of scripts too.
    commands: f64,
}

/// What a second of something costs.
struct Rates {
    node: f64,
    redis: f64,
    own: f64,
    commands: f64,
}

impl Onlookers {
    pub(super) fn of(staying: &Server, redis: &Redis) -> Result<Self, Failure> {
        Ok(Self { meter: Meter::on_all(&[staying], Some(redis)), redis: redis.onlooker()? })
    }

    pub(super) fn look(&mut self, at: Duration) -> Result<View, Failure> {
        Ok(View { at, commands: self.redis.commands()?, reading: self.meter.read()? })
    }

    pub(super) fn rss_kib(&self) -> Result<f64, Failure> {
        Ok(self.meter.read()?.total(|memory| memory.rss_kib))
    }
}

impl View {
    pub(super) fn rss_kib(&self) -> f64 {
        self.reading.total(|memory| memory.rss_kib)
    }

    /// Says what was spent between `fell` and now, and what of it each of so many `returns` cost: what is beyond
    /// what the same time cost between `began` and `fell`. Where others have the processors it may be less than none.
    pub(super) fn show(&self, sheet: &mut Sheet, began: &Self, fell: &Self, returns: usize) {
        let (well, meanwhile) = (fell.rates_since(began), self.rates_since(fell));
        let seconds = self.at.saturating_sub(fell.at).as_secs_f64();
        let beyond =
            |meanwhile: f64, well: f64| share((meanwhile - well) * seconds, returns as u64);
        sheet.note("CPU of the node that stays, in all", "ms", meanwhile.node * seconds / 1e3);
        sheet.cost("CPU of the node that stays", "µs/return", beyond(meanwhile.node, well.node));
        sheet.note("CPU of Redis", "µs/return", beyond(meanwhile.redis, well.redis));
        sheet.note("generator's CPU", "µs/return", beyond(meanwhile.own, well.own));
        let commands = beyond(meanwhile.commands, well.commands);
        sheet.note("Redis commands", "/return", commands);
    }

    fn rates_since(&self, earlier: &Self) -> Rates {
        let seconds = self.at.saturating_sub(earlier.at).as_secs_f64();
        let Spent { servers, redis, own, .. } = self.reading.since(&earlier.reading);
        let rate = |spent: Duration| spent.as_secs_f64() * 1e6 / seconds;
        let node = rate(servers.iter().sum());
        let commands = (self.commands - earlier.commands) / seconds;
        Rates { node, redis: rate(redis), own: rate(own), commands }
    }
}
