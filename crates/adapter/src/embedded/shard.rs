//! Some of the audiences, under one lock: who listens to each, and what is kept of it.
//!
//! May not enter: anything that waits. Promise: a notice is judged, numbered, kept and handed to every
//! inbox in one call, or not at all.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use notice::{Audience, Draft, Notice, NoticeId, Position};
use tokio::time::Instant;

use crate::{
    config::Config,
    embedded::{
        clock::StoreClock,
        ears::{Ear, Ears},
        life::Life,
        places::Places,
        tasks::Verdict,
    },
    error::{BusError, PublishError},
    inbox::Arrival,
    publisher::Published,
    store::{CatchUp, Gap, Since, Standing},
};

/// Audiences by name, each here for as long as it is listened to or something of it is kept.
#[derive(Debug, Default)]
pub(super) struct Shard {
    entries: HashMap<Audience, Entry>,
    clock: StoreClock,
    /// Audiences that some node has left, by when to look at them. Each is in it at most once.
    lingering: VecDeque<(Instant, Audience)>,
}

/// What holds for all shards together.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) config: Config,
    /// Places for audiences of which something is kept.
    pub(super) counted: Places,
    /// Places for audiences that are listened to.
    pub(super) heard: Places,
}

/// What came of trying to publish.
#[derive(Debug)]
pub(super) enum Attempt {
    Done(Result<Published, PublishError>),
    /// This inbox is full, and nothing was done.
    Wait {
        draft: Draft,
        ear: Arc<Ear>,
    },
}

/// One audience.
#[derive(Debug, Default)]
struct Entry {
    ears: Ears,
    life: Option<Box<Life>>,
    /// Whether it is in `lingering`.
    is_lingering: bool,
}

// === impl Shard ===

impl Shard {
    pub(super) fn publish(&mut self, draft: Draft, now: Instant, limits: &Limits) -> Attempt {
        let audience = draft.audience.clone();
        let entry = self.entries.entry(audience.clone()).or_default();
        let attempt = entry.publish(draft, now, &mut self.clock, limits);
        if entry.is_idle() {
            self.entries.remove(&audience);
        }
        attempt
    }

    pub(super) fn enter(
        &mut self,
        ear: &Arc<Ear>,
        audience: &Audience,
        limits: &Limits,
    ) -> Result<(), BusError> {
        let entry = self.entries.entry(audience.clone()).or_default();
        let entered = entry.ears.enter(ear, &limits.heard);
        if entry.is_idle() {
            self.entries.remove(audience);
        }
        entered.map_err(|len_max| BusError::Full { audience: audience.clone(), len_max })
    }

    pub(super) fn leave(&mut self, ear: &Arc<Ear>, audience: &Audience, until: Instant) {
        let Some(entry) = self.entries.get_mut(audience) else { return };
        if entry.ears.leave(ear, until) && !entry.is_lingering {
            entry.is_lingering = true;
            self.lingering.push_back((until, audience.clone()));
        }
    }

    pub(super) fn catch_up(
        &mut self,
        audience: &Audience,
        since: Since<'_>,
        now: Instant,
        config: &Config,
    ) -> CatchUp {
        if let Some(life) = self.life(audience, now) {
            return life.catch_up(audience, since, now, config);
        }
        let gap = match since {
            Since::Position(position) => {
                let (audience, position) = (audience.clone(), position.clone());
                Some(Gap { since: NoticeId { audience, position }, oldest: None })
            }
            Since::Window(_) => None,
        };
        CatchUp { gap, ..CatchUp::default() }
    }

    pub(super) fn standing(
        &mut self,
        audience: &Audience,
        now: Instant,
        config: &Config,
    ) -> Option<Standing> {
        Some(self.life(audience, now)?.standing(now, config))
    }

    pub(super) fn missed(
        &mut self,
        audience: &Audience,
        since: &Position,
        now: Instant,
        config: &Config,
    ) -> CatchUp {
        match self.life(audience, now) {
            Some(life) => life.missed(audience, since, now, config),
            None => Standing::forgotten(audience, since),
        }
    }

    pub(super) fn tasks(
        &mut self,
        audience: &Audience,
        now: Instant,
        config: &Config,
    ) -> Vec<Arc<Notice>> {
        self.life(audience, now).map(|life| life.tasks(now, config)).unwrap_or_default()
    }

    pub(super) fn forget(
        &mut self,
        audience: &Audience,
        identity: &str,
        now: Instant,
        config: &Config,
    ) -> bool {
        self.life(audience, now).is_some_and(|life| life.forget(identity, now, config))
    }

    /// Ends the interest that has lingered long enough.
    pub(super) fn sweep_interest(&mut self, now: Instant) {
        while let Some((_, audience)) = self.lingering.pop_front_if(|(until, _)| *until <= now) {
            let entry = self.entries.get_mut(&audience).expect("what lingers is never idle");
            entry.ears.prune(now);
            entry.is_lingering = false;
            if let Some(until) = entry.ears.lingers_until() {
                entry.is_lingering = true;
                self.lingering.push_back((until, audience));
            } else if entry.is_idle() {
                self.entries.remove(&audience);
            }
        }
    }

    /// Gives back the memory of what has expired, and forgets nodes that are gone.
    pub(super) fn sweep_state(&mut self, now: Instant, config: &Config) {
        self.entries.retain(|_, entry| {
            entry.ears.prune(now);
            entry.end_life(now);
            if let Some(life) = &mut entry.life {
                life.prune(now, config);
            }
            !entry.is_idle()
        });
        if self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to_fit();
        }
    }

    fn life(&mut self, audience: &Audience, now: Instant) -> Option<&mut Life> {
        let life = self.entries.get_mut(audience)?.life.as_deref_mut()?;
        (!life.is_over(now)).then_some(life)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

// === impl Entry ===

impl Entry {
    fn publish(
        &mut self,
        draft: Draft,
        now: Instant,
        clock: &mut StoreClock,
        limits: &Limits,
    ) -> Attempt {
        self.end_life(now);
        if let Some(result) = self.refusal(&draft, now, clock, &limits.config) {
            return Attempt::Done(result);
        }
        self.ears.prune(now);
        let permits = match self.ears.reserve() {
            Ok(permits) => permits,
            Err(ear) => return Attempt::Wait { draft, ear: Arc::clone(ear) },
        };
        let life = match &mut self.life {
            Some(life) => life,
            none => match limits.counted.take() {
                Ok(place) => none.insert(Box::new(Life::begin(place, now))),
                Err(len_max) => {
                    return Attempt::Done(Err(full(draft.audience, "audiences", len_max)));
                }
            },
        };
        let notice = life.accept(draft, now, clock, &limits.config);
        let (id, nodes) = (notice.id(), permits.len());
        for permit in permits {
            permit.send(Arrival::Notice(Arc::clone(&notice)));
        }
        Attempt::Done(Ok(Published::Accepted { id, nodes }))
    }

    /// Why `draft` is not to be taken, if so.
    fn refusal(
        &mut self,
        draft: &Draft,
        now: Instant,
        clock: &mut StoreClock,
        config: &Config,
    ) -> Option<Result<Published, PublishError>> {
        match self.life.as_mut()?.judge(&draft.kind, now, clock, config) {
            Verdict::Fits => None,
            Verdict::Superseded => Some(Ok(Published::Superseded)),
            Verdict::AfterFinal => Some(Ok(Published::AfterFinal)),
            Verdict::Early { wait, stamp } => Some(Ok(Published::Early { wait, stamp })),
            Verdict::Full => {
                let (audience, len_max) = (draft.audience.clone(), config.tasks_per_user_max);
                Some(Err(full(audience, "tasks of one user", len_max)))
            }
        }
    }

    fn end_life(&mut self, now: Instant) {
        self.life.take_if(|life| life.is_over(now));
    }

    /// Nobody listens, nothing is kept, and nothing points here.
    fn is_idle(&self) -> bool {
        self.ears.is_empty() && self.life.is_none() && !self.is_lingering
    }
}

fn full(audience: Audience, what: &'static str, len_max: usize) -> PublishError {
    PublishError::Full { audience, what, len_max }
}
