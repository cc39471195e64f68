//! Whether something that a client said is being dealt with. It may wait for the store, and nothing more is
//! read meanwhile: the client's answer to a ping neither.

use std::sync::atomic::{AtomicU32, Ordering};

use super::session::Session;

/// How many times at once: one that polls may post beside a post.
#[derive(Debug, Default)]
pub(super) struct Busy(AtomicU32);

/// While it is held, its session is not put out for being silent.
pub(super) struct Dealing<'a>(&'a Session);

impl Busy {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Session {
    pub(super) fn dealing(&self) -> Dealing<'_> {
        self.busy.0.fetch_add(1, Ordering::Relaxed);
        Dealing(self)
    }
}

impl Drop for Dealing<'_> {
    fn drop(&mut self) {
        // What the client said meanwhile is read next; until then it counts as heard.
        self.0.heard();
        self.0.busy.0.fetch_sub(1, Ordering::Relaxed);
    }
}
