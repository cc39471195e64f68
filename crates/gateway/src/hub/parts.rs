//! The seats of one fan-out in parts, and how many of its notices each part has had.
//!
//! A part that is taken is nobody else's until it is put back: so a seat gets one thing after the other,
//! however many hand out.

use std::{collections::VecDeque, ops::Range};

/// How many seats are taken at once.
const PART_LEN: usize = 64;

/// Some seats of one list that have had the same.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) list: usize,
    pub(super) seats: Range<usize>,
    /// So many notices, from the first on.
    pub(super) had: usize,
}

#[derive(Debug)]
pub(super) struct Parts(VecDeque<Part>);

impl Parts {
    /// Of lists with so many seats each.
    pub(super) fn of(lens: impl Iterator<Item = usize>) -> Self {
        let of_one = |(list, len): (usize, usize)| {
            let part = move |from| {
                let seats = from..len.min(from + PART_LEN);
                Part { list, seats, had: 0 }
            };
            (0..len).step_by(PART_LEN).map(part)
        };
        Self(lens.enumerate().flat_map(of_one).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next part that has not had all of `notices`.
    pub(super) fn take(&mut self, notices: usize) -> Option<Part> {
        let at = self.0.iter().position(|part| part.had < notices)?;
        self.0.remove(at)
    }

    /// `done` of the part's seats have now had `had` notices; the others come next.
    pub(super) fn put_back(&mut self, part: Part, done: usize, had: usize) {
        let Part { list, seats, had: before } = part;
        let at = seats.start + done;
        if at < seats.end {
            self.0.push_front(Part { list, seats: at..seats.end, had: before });
        }
        self.0.push_back(Part { list, seats: seats.start..at, had });
    }

    /// Whether nobody is left who has not had all of `notices`, as far as the parts are here.
    pub(super) fn have_had(&self, notices: usize) -> bool {
        self.0.iter().all(|part| part.had >= notices)
    }
}

#[cfg(test)]
mod tests;
