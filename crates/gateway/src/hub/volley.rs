//! Notices of one audience that go together: each of its sockets gets them in one write.
//!
//! May not enter, but alone: a notice that is not for all members, that may not wait, or that each socket gets
//! under a name of its own.

use std::sync::Arc;

use notice::{Kind, Notice};

use crate::forms::Forms;

/// What goes together at most, unless the first alone is larger: a seat that takes all of it takes no longer
/// than a few turns.
const BYTES_MAX: usize = 256 * 1024;
const NOTICES_MAX: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Volley {
    all: Vec<Arc<Forms>>,
    bytes: usize,
    takes_more: bool,
}

impl Volley {
    pub(super) fn of(first: &Arc<Notice>) -> Self {
        let mut volley = Self { all: Vec::new(), bytes: 0, takes_more: is_for_all(first) };
        volley.push(first);
        volley
    }

    /// What is kept of an audience that is counted anew, once more for all who are to forget what they have read.
    pub(super) fn again(notices: &[Arc<Notice>]) -> Self {
        let again = |notice: &Arc<Notice>| Arc::new(Forms::new(Arc::clone(notice), true));
        Self { all: notices.iter().map(again).collect(), bytes: 0, takes_more: false }
    }

    pub(super) fn takes(&self, notice: &Notice) -> bool {
        self.takes_more
            && self.all.len() < NOTICES_MAX
            && self.bytes + notice.draft.payload.len_bytes() <= BYTES_MAX
            && is_for_all(notice)
    }

    pub(super) fn push(&mut self, notice: &Arc<Notice>) {
        let task = notice.draft.kind.replaceable();
        let is_older = |forms: &&Arc<Forms>| forms.notice.draft.kind.replaceable() == task;
        if task.is_some()
            && let Some(older) = self.all.iter().rev().find(is_older)
        {
            older.supersede();
        }
        self.bytes += notice.draft.payload.len_bytes();
        self.all.push(Arc::new(Forms::new(Arc::clone(notice), false)));
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How far one is who has had all, which is somewhere even where nothing is kept.
    pub(super) fn reach(&self) -> usize {
        self.all.len().max(1)
    }

    /// What one gets who has `had` so many.
    pub(super) fn after(&self, had: usize) -> &[Arc<Forms>] {
        &self.all[had..]
    }
}

fn is_for_all(notice: &Notice) -> bool {
    let draft = &notice.draft;
    draft.narrowing.is_none() && draft.event.is_some() && draft.kind != Kind::Volatile
}
