//! What waits for one connection: bounded by bytes, allocated only while something waits.
//!
//! Newer progress takes the place of older progress of its task. It is put at the end, not where the
//! older one stood: notices leave in the order of their numbers, so that a client's cursor, the last
//! id it saw, never runs ahead of a final that still waits.

use std::{
    collections::{HashMap, VecDeque},
    io::IoSlice,
    sync::Arc,
};

use bytes::Bytes;
use notice::TaskKey;

use crate::encoded::Encoded;

/// So many places may be empty beside as many as are taken.
const EMPTY_MAX: usize = 32;

/// How many frames one vectored write takes at most.
pub(crate) const SLICES_MAX: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Absent when nothing waits, which is nearly always.
    queue: Option<Box<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    /// `None` where newer progress made an entry superfluous.
    entries: VecDeque<Option<Entry>>,
    /// How many of them are there.
    len: usize,
    /// How many entries have left at the front; `entries[i]` has the number `left + i`.
    left: u64,
    /// The entry that newer progress of a task may replace.
    progress: HashMap<TaskKey, u64>,
    bytes: usize,
    /// Bytes of the first entry that have been written already.
    head_written: usize,
}

#[derive(Debug)]
struct Entry {
    encoded: Arc<Encoded>,
    task: Option<TaskKey>,
}

/// What became of a push. The byte count is the change of what waits.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Pushed {
    Waiting,
    /// It took the place of older progress.
    Conflated,
    /// The bound is reached; nothing was added.
    Full,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_none()
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.bytes)
    }

    /// Adds at the end. With `task`, `encoded` is progress of that task and replaces what waits of it.
    pub(crate) fn push(
        &mut self,
        encoded: &Arc<Encoded>,
        task: Option<&TaskKey>,
        bytes_max: usize,
    ) -> Pushed {
        let queue = self.queue.get_or_insert_default();
        let conflated = task.is_some_and(|task| queue.drop_progress_of(task));
        if queue.bytes + encoded.len_bytes() > bytes_max {
            self.drop_if_empty();
            return Pushed::Full;
        }
        let number = queue.left + queue.entries.len() as u64;
        if let Some(task) = task {
            queue.progress.insert(task.clone(), number);
        }
        queue.bytes += encoded.len_bytes();
        queue.entries.push_back(Some(Entry { encoded: Arc::clone(encoded), task: task.cloned() }));
        queue.len += 1;
        if conflated { Pushed::Conflated } else { Pushed::Waiting }
    }

    /// Notes that `written` bytes of an entry just pushed onto an empty outbox are out already.
    pub(crate) fn head_written_if(&mut self, written: usize) {
        if let (Some(queue), 1..) = (&mut self.queue, written) {
            queue.head_written = written;
        }
    }

    /// Shows what is to be written next, in `form`, to `write`, which says how much of it was taken.
    pub(crate) fn write_with<E>(
        &mut self,
        form: fn(&Encoded) -> &Bytes,
        write: impl FnOnce(&[IoSlice<'_>]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let Some(queue) = &mut self.queue else { return Ok(0) };
        let mut slices = Vec::with_capacity(queue.entries.len().min(SLICES_MAX));
        for entry in queue.entries.iter().flatten().take(SLICES_MAX) {
            let skip = if slices.is_empty() { queue.head_written } else { 0 };
            slices.push(IoSlice::new(&form(&entry.encoded)[skip..]));
        }
        let written = write(&slices)?;
        queue.written(written, form);
        self.drop_if_empty();
        Ok(written)
    }

    /// Takes entries from the front while their sizes, as `size` counts them, stay within `bytes_max`;
    /// at least one.
    pub(crate) fn take(
        &mut self,
        bytes_max: usize,
        size: impl Fn(&Encoded) -> usize,
    ) -> Vec<Arc<Encoded>> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(queue) = &mut self.queue {
            let Some(next) = queue.first() else { break };
            bytes += size(next);
            if !taken.is_empty() && bytes > bytes_max {
                break;
            }
            taken.extend(queue.pop());
            self.drop_if_empty();
        }
        taken
    }

    /// Drops everything; says how many bytes that were.
    pub(crate) fn clear(&mut self) -> usize {
        self.queue.take().map_or(0, |queue| queue.bytes)
    }

    fn drop_if_empty(&mut self) {
        if self.queue.as_ref().is_some_and(|queue| queue.bytes == 0) {
            self.queue = None;
        }
    }
}

impl Queue {
    /// Drops the waiting progress of `task`, unless part of it has been written.
    fn drop_progress_of(&mut self, task: &TaskKey) -> bool {
        let Some(number) = self.progress.remove(task) else { return false };
        let Ok(index) = usize::try_from(number - self.left) else { return false };
        if index == 0 && self.head_written > 0 {
            return false;
        }
        let Some(entry) = self.entries.get_mut(index).and_then(Option::take) else { return false };
        self.bytes -= entry.encoded.len_bytes();
        self.len -= 1;
        self.skip_dropped();
        self.close_ranks();
        true
    }

    /// Behind what its reader takes its time for, one who has much progress would leave no end of empty places.
    fn close_ranks(&mut self) {
        if self.entries.len() <= 2 * self.len + EMPTY_MAX {
            return;
        }
        self.entries.retain(Option::is_some);
        for (number, entry) in (self.left..).zip(self.entries.iter().flatten()) {
            if let Some(number_of) =
                entry.task.as_ref().and_then(|task| self.progress.get_mut(task))
            {
                *number_of = number;
            }
        }
    }

    fn first(&self) -> Option<&Encoded> {
        self.entries.iter().flatten().next().map(|entry| &*entry.encoded)
    }

    fn pop(&mut self) -> Option<Arc<Encoded>> {
        self.skip_dropped();
        let entry = self.entries.pop_front().flatten()?;
        let number = self.left;
        self.left += 1;
        self.len -= 1;
        self.head_written = 0;
        self.bytes -= entry.encoded.len_bytes();
        if let Some(task) = &entry.task
            && self.progress.get(task) == Some(&number)
        {
            self.progress.remove(task);
        }
        self.skip_dropped();
        Some(entry.encoded)
    }

    fn skip_dropped(&mut self) {
        while matches!(self.entries.front(), Some(None)) {
            self.entries.pop_front();
            self.left += 1;
        }
    }

    fn written(&mut self, mut written: usize, form: fn(&Encoded) -> &Bytes) {
        while let Some(first) = self.first() {
            let rest = form(first).len() - self.head_written;
            if written < rest {
                self.head_written += written;
                return;
            }
            written -= rest;
            self.pop();
        }
    }
}

#[cfg(test)]
mod tests;
