//! One life of an audience: its count, what its tasks show, and what is kept.

use std::sync::Arc;

use notice::{Audience, Draft, Epoch, Kind, Notice, NoticeId, Position};
use rand::distr::{Alphanumeric, SampleString};
use tokio::time::Instant;

use crate::{
    config::Config,
    embedded::{
        clock::StoreClock,
        log::Log,
        places::Place,
        recent::Recent,
        tasks::{Tasks, Verdict},
    },
    limits::{EPOCH_LEN, QUIET_AGE},
    store::{CatchUp, Gap, Since, Standing},
};

/// From an audience's first notice until all that it left behind has expired.
#[derive(Debug)]
pub(super) struct Life {
    epoch: Epoch,
    /// Of the newest notice.
    seq: u64,
    tasks: Tasks,
    log: Log,
    recent: Recent,
    /// When nothing of what was accepted is of use any more. Only moves ahead.
    ends_at: Instant,
    _place: Place,
}

impl Life {
    pub(super) fn begin(place: Place, now: Instant) -> Self {
        let epoch = Alphanumeric.sample_string(&mut rand::rng(), EPOCH_LEN);
        let epoch = Epoch::new(&epoch).expect("12 letters and digits are an epoch");
        let (tasks, log, recent) = <(Tasks, Log, Recent)>::default();
        Self { epoch, seq: 0, tasks, log, recent, ends_at: now, _place: place }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at <= now
    }

    pub(super) fn judge(
        &mut self,
        kind: &Kind,
        now: Instant,
        clock: &mut StoreClock,
        config: &Config,
    ) -> Verdict {
        self.tasks.judge(kind, clock, now, config)
    }

    /// Numbers and keeps `draft`, which was judged to fit.
    pub(super) fn accept(
        &mut self,
        draft: Draft,
        now: Instant,
        clock: &mut StoreClock,
        config: &Config,
    ) -> Arc<Notice> {
        self.seq += 1;
        let notice = Arc::new(Notice { draft, position: self.position() });
        self.tasks.show(&notice, clock, now, config);
        let age = match &notice.draft.kind {
            Kind::Progress { .. } => config.live_age,
            Kind::Final { .. } => {
                self.log.push(Arc::clone(&notice), now, config);
                config.ended_age.max(config.finals_age)
            }
            Kind::Kept => {
                self.log.push(Arc::clone(&notice), now, config);
                config.finals_age.max(QUIET_AGE)
            }
            Kind::Plain if !config.recent_age().is_zero() => {
                self.recent.push(&notice, now);
                QUIET_AGE.max(config.recent_age())
            }
            Kind::Plain | Kind::Volatile => QUIET_AGE,
        };
        self.ends_at = self.ends_at.max(now + age);
        notice
    }

    pub(super) fn catch_up(
        &mut self,
        audience: &Audience,
        since: Since<'_>,
        now: Instant,
        config: &Config,
    ) -> CatchUp {
        self.log.trim(now, config);
        let gap = match since {
            Since::Position(position) => self.gap(audience, position),
            Since::Window(_) => None,
        };
        let finals = match since {
            Since::Window(window) => self.log.within(window, now),
            Since::Position(position) if self.knows(position) => self.log.after(position.seq),
            Since::Position(_) => self.log.all(),
        };
        let live = self.tasks.live(now, config);
        CatchUp { live, finals, gap, position: Some(self.position()), is_whole: false }
    }

    pub(super) fn standing(&mut self, now: Instant, config: &Config) -> Standing {
        self.prune(now, config);
        let gone_seq = self.log.trimmed_seq().max(self.recent.lost_seq());
        Standing { position: self.position(), gone_seq }
    }

    pub(super) fn missed(
        &mut self,
        audience: &Audience,
        since: &Position,
        now: Instant,
        config: &Config,
    ) -> CatchUp {
        let standing = self.standing(now, config);
        let live = self.tasks.live(now, config);
        let finals = self.log.after(since.seq);
        let recent = self.recent.after(since.seq).cloned();
        let all = live.into_iter().chain(finals).chain(recent);
        standing.missed(audience, since, all)
    }

    pub(super) fn tasks(&self, now: Instant, config: &Config) -> Vec<Arc<Notice>> {
        self.tasks.all(now, config)
    }

    pub(super) fn forget(&mut self, identity: &str, now: Instant, config: &Config) -> bool {
        self.tasks.forget(identity, now, config)
    }

    /// Gives back the memory of what has expired.
    pub(super) fn prune(&mut self, now: Instant, config: &Config) {
        self.tasks.prune(now, config);
        self.log.trim(now, config);
        self.recent.trim(now, config.recent_age());
    }

    fn position(&self) -> Position {
        Position { epoch: self.epoch.clone(), seq: self.seq }
    }

    /// Whether the cursor is one that this life has given.
    fn knows(&self, position: &Position) -> bool {
        position.epoch == self.epoch && position.seq <= self.seq
    }

    fn gap(&self, audience: &Audience, position: &Position) -> Option<Gap> {
        if self.knows(position) && self.log.reaches_back_to(position.seq) {
            return None;
        }
        let since = NoticeId { audience: audience.clone(), position: position.clone() };
        Some(Gap { since, oldest: self.log.oldest().map(|notice| notice.id()) })
    }
}
