//! What is remembered of each task whose progress was published within the pace, or is held.
//!
//! A slot is named by its number from the moment its task is looked up until nothing of it is on the way.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use notice::{Audience, TaskKey};
use tokio::time::Instant;

use crate::desk::bundle::Bundle;

type Key = (Audience, TaskKey);

/// Every slot is in `by_key`, and in `held` or `idle` with the time from which on its task's progress
/// may be published.
pub(super) struct Tasks<T> {
    by_key: HashMap<Key, usize>,
    slots: Vec<Option<Slot<T>>>,
    free: Vec<usize>,
    held: BTreeSet<(Instant, usize)>,
    idle: BTreeSet<(Instant, usize)>,
    /// Tickets of all that is held.
    len_held: usize,
}

/// One task.
struct Slot<T> {
    key: Key,
    due: Instant,
    /// Its newest progress that is not published yet.
    held: Option<Bundle<T>>,
}

impl<T> Tasks<T> {
    /// The slot of a task. A task that is not remembered is due at once.
    pub(super) fn slot(&mut self, audience: &Audience, task: &TaskKey, now: Instant) -> usize {
        let Self { by_key, slots, free, idle, .. } = self;
        *by_key.entry((audience.clone(), task.clone())).or_insert_with_key(|key| {
            let number = free.pop().unwrap_or_else(|| {
                slots.push(None);
                slots.len() - 1
            });
            slots[number] = Some(Slot { key: key.clone(), due: now, held: None });
            idle.insert((now, number));
            number
        })
    }

    /// The slot of a task that is remembered.
    pub(super) fn known(&self, audience: &Audience, task: &TaskKey) -> Option<usize> {
        if self.by_key.is_empty() {
            return None;
        }
        self.by_key.get(&(audience.clone(), task.clone())).copied()
    }

    /// Holds a progress until its task is due. Of two, the newer stands for both.
    pub(super) fn hold(&mut self, number: usize, bundle: Bundle<T>) {
        self.len_held += bundle.len();
        let slot = slot_of(&mut self.slots, number);
        slot.held = Some(match slot.held.take() {
            Some(earlier) => Bundle::newer(bundle, earlier),
            None => bundle,
        });
        self.idle.remove(&(slot.due, number));
        self.held.insert((slot.due, number));
    }

    /// What is held of the task.
    pub(super) fn release(&mut self, number: usize) -> Option<Bundle<T>> {
        let slot = slot_of(&mut self.slots, number);
        let bundle = slot.held.take()?;
        self.len_held -= bundle.len();
        self.held.remove(&(slot.due, number));
        self.idle.insert((slot.due, number));
        Some(bundle)
    }

    /// The next progress that is due by `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(usize, Bundle<T>)> {
        let (due, number) = *self.held.first()?;
        if due > now {
            return None;
        }
        Some((number, self.release(number)?))
    }

    /// All that is held, whether due or not.
    pub(super) fn release_all(&mut self) -> Vec<Bundle<T>> {
        let numbers: Vec<_> = self.held.iter().map(|(_, number)| *number).collect();
        numbers.into_iter().filter_map(|number| self.release(number)).collect()
    }

    pub(super) fn is_due(&mut self, number: usize, now: Instant) -> bool {
        slot_of(&mut self.slots, number).due <= now
    }

    pub(super) fn set_due(&mut self, number: usize, due: Instant) {
        let slot = slot_of(&mut self.slots, number);
        let times = if slot.held.is_some() { &mut self.held } else { &mut self.idle };
        times.remove(&(slot.due, number));
        times.insert((due, number));
        slot.due = due;
    }

    /// When the next held progress is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.first().map(|(due, _)| *due)
    }

    /// Tickets of all that is held.
    pub(super) fn len_held(&self) -> usize {
        self.len_held
    }

    /// Forgets the tasks that hold nothing and are due. Only while nothing is on the way.
    pub(super) fn forget_idle(&mut self, now: Instant) {
        while let Some((due, number)) = self.idle.first().copied()
            && due <= now
        {
            self.idle.pop_first();
            let slot = self.slots[number].take().expect("what is idle has a slot");
            self.by_key.remove(&slot.key);
            self.free.push(number);
        }
        if self.by_key.is_empty() {
            // The memory of a rush is given back after it.
            *self = Self::default();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}

fn slot_of<T>(slots: &mut [Option<Slot<T>>], number: usize) -> &mut Slot<T> {
    slots[number].as_mut().expect("a slot is named only while its task is remembered")
}

impl<T> Default for Tasks<T> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            held: BTreeSet::new(),
            idle: BTreeSet::new(),
            len_held: 0,
        }
    }
}

impl<T> fmt::Debug for Tasks<T> {
    // Tasks belong to users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, idle) = (self.held.len(), self.idle.len());
        f.debug_struct("Tasks").field("held", &held).field("idle", &idle).finish_non_exhaustive()
    }
}
