//! A number of places over all shards, and the guards that hold them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// So many of something may exist at once. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Places {
    len_max: usize,
    taken: Arc<AtomicUsize>,
}

/// One place, free again when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Places {
    pub(super) fn new(len_max: usize) -> Self {
        Self { len_max, taken: Arc::default() }
    }

    /// Takes a place, or answers how many there are when none is free.
    pub(super) fn take(&self) -> Result<Place, usize> {
        let one_more = |taken| (taken < self.len_max).then_some(taken + 1);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Place(Arc::clone(&self.taken))),
            Err(_) => Err(self.len_max),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
