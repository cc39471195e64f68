//! How far a node has heard one audience, and what a message at some place means then.

use notice::{Epoch, Position};

/// The place up to which everything that matters was handed on.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    /// `None` while it is not known, or nothing has been counted.
    handed_on: Option<Position>,
    /// The newest `seq` that came as a message; what the store filled in may be ahead of it.
    heard_seq: u64,
    /// Where the life before this one ended for us, until somebody asks.
    former: Option<Position>,
    /// Whether the store was asked, so that what comes first must be the first.
    is_known: bool,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fit {
    Next,
    /// It was handed on already.
    Known,
    /// Something before it is missing.
    Hole,
    /// The store may have given the numbers that were heard to others: it must be asked first.
    Unsure,
}

impl Mark {
    /// What the store said when the subscription was confirmed. What was heard meanwhile is newer.
    pub(super) fn begin(&mut self, newest: Option<Position>) {
        if self.handed_on.is_none() {
            self.handed_on = newest;
        }
        self.is_known = true;
    }

    pub(super) fn fit(&self, at: &Position, is_plain: bool) -> Fit {
        let Some(last) = self.handed_on.as_ref().filter(|last| last.epoch == at.epoch) else {
            let is_first = at.seq == 1 || !self.is_known;
            return if is_first { Fit::Next } else { Fit::Hole };
        };
        if at.seq > last.seq {
            return if at.seq == last.seq + 1 { Fit::Next } else { Fit::Hole };
        }
        // The store has filled in what it keeps; a plain notice it does not keep.
        if is_plain && at.seq > self.heard_seq { Fit::Next } else { Fit::Known }
    }

    /// A message was handed on.
    pub(super) fn hear(&mut self, at: &Position) {
        match &mut self.handed_on {
            Some(last) if last.epoch == at.epoch => last.seq = last.seq.max(at.seq),
            last => self.former = last.replace(at.clone()),
        }
        self.heard_seq = at.seq;
    }

    pub(super) fn take_former(&mut self) -> Option<Position> {
        self.former.take()
    }

    /// The store has none of what was handed on, and begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self { is_known: true, ..Self::default() };
    }

    /// What the store keeps up to `newest` was handed on. It may be less than what was heard, if the
    /// store has lost some.
    pub(super) fn fill(&mut self, newest: Position) {
        let is_same = self.handed_on.as_ref().is_some_and(|last| last.epoch == newest.epoch);
        self.heard_seq = if is_same { self.heard_seq.min(newest.seq) } else { 0 };
        self.handed_on = Some(newest);
    }

    pub(super) fn handed_on(&self) -> Option<&Position> {
        self.handed_on.as_ref()
    }

    /// Whether the store has counted further.
    pub(super) fn is_behind(&self, newest: &Position) -> bool {
        match &self.handed_on {
            Some(last) if last.epoch == newest.epoch => last.seq < newest.seq,
            _ => true,
        }
    }

    /// From where on the store must be read, in the life `epoch`.
    pub(super) fn since(&self, epoch: &Epoch) -> Position {
        let last = self.handed_on.as_ref().filter(|last| last.epoch == *epoch);
        last.cloned().unwrap_or_else(|| Position { epoch: epoch.clone(), seq: 0 })
    }
}

#[cfg(test)]
mod tests {
    //! What is next, what is known, and what is a hole.

    use super::*;

    fn at(epoch: &str, seq: u64) -> Position {
        Position { epoch: Epoch::new(epoch).unwrap(), seq }
    }

    fn mark_at(seq: u64) -> Mark {
        let mut mark = Mark::default();
        mark.begin(Some(at("a", seq)));
        mark
    }

    #[test]
    fn the_next_is_next_what_was_heard_is_known_and_a_jump_is_a_hole() {
        let mut mark = mark_at(4);
        assert_eq!(mark.fit(&at("a", 5), false), Fit::Next);
        mark.hear(&at("a", 5));
        assert_eq!(mark.fit(&at("a", 5), true), Fit::Known);
        assert_eq!(mark.fit(&at("a", 7), false), Fit::Hole);
    }

    #[test]
    fn a_new_life_begins_with_its_first_and_anything_else_is_a_hole() {
        let mark = mark_at(4);
        assert_eq!(mark.fit(&at("b", 1), false), Fit::Next);
        assert_eq!(mark.fit(&at("b", 2), false), Fit::Hole);
        let mut nothing = Mark::default();
        nothing.begin(None);
        assert_eq!(nothing.fit(&at("a", 1), false), Fit::Next);
        assert_eq!(nothing.fit(&at("a", 2), false), Fit::Hole);
    }

    #[test]
    fn what_comes_before_the_store_was_asked_is_taken_as_it_comes() {
        let mut mark = Mark::default();
        assert_eq!(mark.fit(&at("a", 9), false), Fit::Next);
        mark.hear(&at("a", 9));
        mark.begin(Some(at("a", 11)));
        assert_eq!(mark.fit(&at("a", 10), false), Fit::Next);
    }

    #[test]
    fn after_the_store_has_lost_some_what_comes_again_under_a_known_number_is_taken() {
        let mut mark = mark_at(8);
        mark.fill(at("a", 5));
        assert_eq!(mark.fit(&at("a", 6), false), Fit::Next);
        assert_eq!(mark.fit(&at("a", 8), true), Fit::Hole);
    }

    #[test]
    fn a_plain_notice_that_the_store_could_not_fill_in_is_still_taken_once() {
        let mut mark = mark_at(4);
        mark.fill(at("a", 8));
        assert_eq!(mark.fit(&at("a", 6), false), Fit::Known);
        assert_eq!(mark.fit(&at("a", 7), true), Fit::Next);
        mark.hear(&at("a", 7));
        assert_eq!(mark.fit(&at("a", 7), true), Fit::Known);
        assert_eq!(mark.fit(&at("a", 9), false), Fit::Next);
    }
}
