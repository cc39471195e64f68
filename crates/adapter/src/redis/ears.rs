//! What one node listens to: its members by audience, and how far each was heard.
//!
//! May not enter: anything that waits for Redis. Two tasks work on it: `subscriptions` makes true what
//! is wished for here, `hearing` hands on what comes.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use notice::{Audience, Epoch, NodeId, Position};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout},
};

use crate::{
    config::Config,
    error::BusError,
    redis::{
        heard::Heard,
        mark::{Fit, Mark},
        primaries::Runs,
        suspicion::{Doubt, Look, Sighting, Suspect, Why},
    },
};

/// How long a message may be on its way before it counts as lost.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// One node's wishes. The lock is held for a few lines, and never together with another.
#[derive(Debug)]
pub(crate) struct Ears {
    pub(super) node: NodeId,
    state: Mutex<State>,
    /// There is something to subscribe to.
    pub(super) wished: Notify,
    /// There is something to read again.
    pub(super) suspected: Notify,
    /// Some were compared with the store.
    compared: Notify,
    audiences_max: usize,
    linger: Duration,
    wait: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// Everything that has a member, or lingers.
    heard: HashMap<Audience, Heard>,
    /// What is not subscribed to yet, or must be once more. At most as many as `heard`, twice.
    wishes: VecDeque<Audience>,
    /// Audiences without a member, by when to drop them.
    lingering: VecDeque<(Instant, Audience)>,
    suspects: HashMap<Audience, Why>,
    /// What was behind when it was compared. At most one an audience and round.
    doubts: VecDeque<Doubt>,
}

/// The store has not been asked yet.
struct InDoubt;

/// A member that was counted and is not in yet. Given up half-way, it leaves again.
struct Entering<'a> {
    ears: &'a Ears,
    audience: Option<&'a Audience>,
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if let Some(audience) = self.audience {
            self.ears.leave(audience);
        }
    }
}

// === impl Ears ===

impl Ears {
    pub(super) fn new(node: NodeId, config: &Config) -> Arc<Self> {
        Arc::new(Self {
            node,
            state: Mutex::default(),
            wished: Notify::new(),
            suspected: Notify::new(),
            compared: Notify::new(),
            audiences_max: config.audiences_max,
            linger: config.interest_linger,
            wait: config.publish_wait,
        })
    }

    pub(crate) async fn enter(&self, audience: &Audience) -> Result<(), BusError> {
        let Some(confirmed) = self.state.lock().enter(audience, self.audiences_max)? else {
            return Ok(());
        };
        let mut entering = Entering { ears: self, audience: Some(audience) };
        self.wished.notify_one();
        match timeout(self.wait, confirmed).await {
            Ok(Ok(Ok(()))) => {
                entering.audience = None;
                Ok(())
            }
            Ok(Ok(Err(reason))) => Err(BusError::Broken { audience: audience.clone(), reason }),
            _ => Err(BusError::Unreachable { audience: audience.clone() }),
        }
    }

    pub(crate) fn leave(&self, audience: &Audience) {
        self.state.lock().leave(audience, Instant::now() + self.linger);
        self.wished.notify_one();
    }

    /// Wishes once more for what is `lost`, because its connection or its primary is a new one.
    pub(super) fn wish_again(&self, lost: impl Fn(&Audience) -> bool) {
        let state = &mut *self.state.lock();
        let State { heard, wishes, .. } = state;
        let wished: HashSet<_> = wishes.drain(..).collect();
        for (audience, heard) in heard {
            if wished.contains(audience) || lost(audience) {
                heard.is_in_doubt = heard.is_confirmed;
                wishes.push_back(audience.clone());
            }
        }
    }

    /// Takes some of what is to be subscribed to. Empty only when nothing is.
    pub(super) fn wishes(&self, len_max: usize) -> Vec<Audience> {
        let State { heard, wishes, .. } = &mut *self.state.lock();
        let mut taken = Vec::new();
        while taken.len() < len_max
            && let Some(audience) = wishes.pop_front()
        {
            // What was dropped meanwhile nobody wishes for.
            taken.extend(Some(audience).filter(|audience| heard.contains_key(audience)));
        }
        taken
    }

    /// Wishes for these another time, because it did not work out.
    pub(super) fn put_back(&self, audiences: Vec<Audience>) {
        self.state.lock().wishes.extend(audiences);
    }

    /// How far each was heard.
    pub(super) fn heard(&self, audiences: &[Audience]) -> Vec<Option<Position>> {
        let state = self.state.lock();
        let heard = |audience| state.heard.get(audience)?.mark.handed_on().cloned();
        audiences.iter().map(heard).collect()
    }

    /// These are subscribed to, and stand at these places in the store, whose living processes are `runs`.
    pub(super) fn confirm(&self, sightings: Vec<Sighting>, runs: &Runs, look: Look) {
        let state = &mut *self.state.lock();
        for sighting in sightings {
            let Some(heard) = state.heard.get_mut(&sighting.audience) else { continue };
            if heard.is_confirmed {
                heard.is_in_doubt = false;
                let suspect = heard.suspicion(sighting, runs);
                state.suspect(suspect, look);
                continue;
            }
            heard.mark.begin(sighting.newest);
            heard.run = sighting.run;
            heard.is_confirmed = true;
            for waiting in heard.waiting.drain(..) {
                // Whoever no longer waits has left.
                waiting.send(Ok(())).ok();
            }
        }
        self.suspected.notify_one();
        self.compared.notify_waiters();
    }

    /// Lets those who wait for this audience know that it will not be subscribed to, and why.
    pub(super) fn disappoint(&self, audience: &Audience, reason: &str) {
        let state = &mut *self.state.lock();
        let waiting = state.heard.get_mut(audience).map(|heard| mem::take(&mut heard.waiting));
        for waiting in waiting.into_iter().flatten() {
            // Whoever no longer waits has left.
            waiting.send(Err(reason.to_owned())).ok();
        }
    }

    /// Suspects what did not come in all the time that it may be on its way.
    pub(super) fn suspect_doubts(&self, now: Instant) {
        let state = &mut *self.state.lock();
        while let Some(Doubt { audience, newest, .. }) =
            state.doubts.pop_front_if(|doubt| doubt.until <= now)
        {
            if state.heard.get(&audience).is_some_and(|heard| heard.mark.is_behind(&newest)) {
                state.note(Suspect { audience, why: Why::Behind(newest) });
                self.suspected.notify_one();
            }
        }
    }

    /// Every audience that is subscribed to.
    pub(super) fn confirmed(&self) -> Vec<Audience> {
        let state = self.state.lock();
        let confirmed = state.heard.iter().filter(|(_, heard)| heard.is_confirmed);
        confirmed.map(|(audience, _)| audience.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().heard.len()
    }

    /// When the first audience that lingers may be dropped.
    pub(super) fn lingers_until(&self) -> Option<Instant> {
        self.state.lock().lingering.front().map(|(until, _)| *until)
    }

    /// Drops some of what has lingered long enough, and says what that was.
    pub(super) fn drop_lingering(&self, now: Instant, len_max: usize) -> Vec<Audience> {
        let state = &mut *self.state.lock();
        let mut dropped = Vec::new();
        while dropped.len() < len_max
            && let Some((_, audience)) = state.lingering.pop_front_if(|(until, _)| *until <= now)
        {
            let Some(heard) = state.heard.get_mut(&audience) else { continue };
            heard.is_lingering = false;
            if heard.members > 0 {
                continue;
            }
            if heard.until > now {
                heard.is_lingering = true;
                state.lingering.push_back((heard.until, audience));
                continue;
            }
            state.heard.remove(&audience);
            dropped.push(audience);
        }
        dropped
    }

    /// Takes some of the suspects, and reminds of those that are left.
    pub(super) fn suspects(&self, len_max: usize) -> Vec<Suspect> {
        let suspects = &mut self.state.lock().suspects;
        let taken: Vec<_> = suspects.keys().take(len_max).cloned().collect();
        let taken = taken.into_iter().filter_map(|audience| {
            let why = suspects.remove(&audience)?;
            Some(Suspect { audience, why })
        });
        let taken = taken.collect();
        if !suspects.is_empty() {
            self.suspected.notify_one();
        }
        taken
    }

    /// What a message at this place is to us; `None` if we do not listen.
    pub(super) fn fit(&self, audience: &Audience, at: &Position, is_plain: bool) -> Option<Fit> {
        let state = self.state.lock();
        let heard = state.heard.get(audience)?;
        let may_be_renumbered = state.suspects.get(audience).is_some_and(Why::renumbers);
        Some(if heard.is_in_doubt || may_be_renumbered {
            Fit::Unsure
        } else {
            heard.mark.fit(at, is_plain)
        })
    }

    /// Waits until an audience is not in doubt, and takes what it is suspected of.
    pub(super) async fn verdict(&self, audience: &Audience) -> Option<Why> {
        loop {
            let mut compared = pin!(self.compared.notified());
            // From here on none is missed.
            compared.as_mut().enable();
            if let Ok(why) = self.state.lock().verdict(audience) {
                return why;
            }
            compared.await;
        }
    }

    /// Whether the store, at `newest`, has counted further than was heard.
    pub(super) fn is_behind(&self, audience: &Audience, newest: &Position) -> bool {
        self.state.lock().heard.get(audience).is_some_and(|heard| heard.mark.is_behind(newest))
    }

    /// From where on to read the store; `None` if we do not listen.
    pub(super) fn since(&self, audience: &Audience, epoch: &Epoch) -> Option<Position> {
        self.state.lock().heard.get(audience).map(|heard| heard.mark.since(epoch))
    }

    /// Moves the mark, unless we do not listen any more.
    pub(super) fn mark(&self, audience: &Audience, set: impl FnOnce(&mut Mark)) {
        if let Some(heard) = self.state.lock().heard.get_mut(audience) {
            set(&mut heard.mark);
        }
    }
}

// === impl State ===

impl State {
    /// Counts a member. What to wait for, if the audience is not subscribed to yet.
    fn enter(
        &mut self,
        audience: &Audience,
        len_max: usize,
    ) -> Result<Option<oneshot::Receiver<Result<(), String>>>, BusError> {
        let len = self.heard.len();
        let heard = match self.heard.get_mut(audience) {
            Some(heard) => heard,
            None if len >= len_max => {
                return Err(BusError::Full { audience: audience.clone(), len_max });
            }
            None => {
                self.wishes.push_back(audience.clone());
                self.heard.entry(audience.clone()).or_insert_with(Heard::new)
            }
        };
        heard.members += 1;
        if heard.is_confirmed {
            return Ok(None);
        }
        let (confirm, confirmed) = oneshot::channel();
        heard.waiting.retain(|waiting| !waiting.is_closed());
        heard.waiting.push(confirm);
        Ok(Some(confirmed))
    }

    fn suspect(&mut self, suspect: Option<Suspect>, look: Look) {
        match suspect {
            Some(Suspect { audience, why: Why::Behind(newest) }) if look == Look::Round => {
                let until = Instant::now() + ON_ITS_WAY;
                self.doubts.push_back(Doubt { until, audience, newest });
            }
            Some(suspect) => self.note(suspect),
            None => {}
        }
    }

    fn verdict(&mut self, audience: &Audience) -> Result<Option<Why>, InDoubt> {
        match self.heard.get(audience) {
            Some(heard) if heard.is_in_doubt => Err(InDoubt),
            _ => Ok(self.suspects.remove(audience)),
        }
    }

    fn note(&mut self, Suspect { audience, why }: Suspect) {
        let before = self.suspects.remove(&audience);
        self.suspects.insert(audience, why.or_worse(before));
    }

    fn leave(&mut self, audience: &Audience, until: Instant) {
        let Some(heard) = self.heard.get_mut(audience).filter(|heard| heard.members > 0) else {
            return;
        };
        heard.members -= 1;
        heard.until = until;
        if heard.members == 0 && !heard.is_lingering {
            heard.is_lingering = true;
            self.lingering.push_back((until, audience.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
