//! What a connection and the requests on it let each other know.

use std::sync::{Arc, Weak};

use hyper::upgrade::OnUpgrade;
use parking_lot::Mutex;

use super::{doors::Handshaking, http::Purpose, session::Session};
use crate::departure::Departure;

/// One connection's, while it speaks HTTP.
#[derive(Debug)]
pub(crate) struct Slot(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Until its first request is there.
    handshaking: Option<Handshaking>,
    /// The first session on it was counted as a newcomer at the door.
    is_paid: bool,
    /// A part of a request is there, and perhaps not all of its head.
    has_begun: bool,
    /// Whose the answer is that is being written.
    speaks_for: Weak<Session>,
    /// What is to come after a 101.
    purpose: Option<(Purpose, OnUpgrade)>,
}

impl Slot {
    pub(super) fn new(handshaking: Handshaking, is_paid: bool) -> Self {
        let (speaks_for, purpose) = (Weak::new(), None);
        let handshaking = Some(handshaking);
        Self(Mutex::new(State { handshaking, is_paid, has_begun: false, speaks_for, purpose }))
    }

    /// Bytes have come.
    pub(super) fn heard(&self) {
        self.0.lock().has_begun = true;
    }

    /// They were a request.
    pub(super) fn asked(&self) {
        let handshaking = {
            let mut state = self.0.lock();
            state.has_begun = false;
            state.speaks_for = Weak::new();
            state.handshaking.take()
        };
        drop(handshaking);
    }

    /// It has its answer, and its body was read.
    pub(super) fn answered(&self) {
        self.0.lock().has_begun = false;
    }

    /// Whether a request is being waited for that has begun, or is the first one.
    pub(super) fn is_in_head(&self) -> bool {
        let state = self.0.lock();
        state.has_begun || state.handshaking.is_some()
    }

    /// Whether the session that begins was counted already. The next one was not.
    pub(super) fn is_paid(&self) -> bool {
        std::mem::take(&mut self.0.lock().is_paid)
    }

    /// The answer to this request is what `session` has to say.
    pub(crate) fn speaks_for(&self, session: &Arc<Session>) {
        self.0.lock().speaks_for = Arc::downgrade(session);
    }

    /// Nobody reads the answer.
    pub(super) fn stalled(&self) {
        let session = self.0.lock().speaks_for.upgrade();
        if let Some(session) = session {
            session.close(Departure::Stalled);
        }
    }

    pub(crate) fn put(&self, purpose: Purpose, on_upgrade: OnUpgrade) {
        self.0.lock().purpose = Some((purpose, on_upgrade));
    }

    pub(super) fn take(&self) -> Option<(Purpose, OnUpgrade)> {
        self.0.lock().purpose.take()
    }
}
