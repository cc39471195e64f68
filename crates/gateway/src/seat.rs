//! One socket's place on a node: who sits there, in which namespace, and what reaches it.
//!
//! A client's connection is a `Session`; each namespace it joins on it is a seat. What waits for a seat
//! waits in the session's outbox.
//!
//! Locks: `inflow` may be held while the session's line is taken; never the other way round.

mod inflow;
mod pass;
mod places;
mod replay;
mod seats;

use std::sync::{Arc, atomic::AtomicU16};

use auth::Grant;
use notice::{
    Audience, Cursor, Kind, Namespace, Notice, Position, Room, Scope, SocketId, TaskKey, UserId,
};
use parking_lot::Mutex;

use self::{
    inflow::{Inflow, Next},
    pass::Pass,
    places::Places,
};
pub(crate) use self::{places::Entry, replay::Replay, seats::Seats};
use crate::{
    departure::Departure,
    encoded::Encoded,
    engine::{Dialect, Sent, Session, Transport},
    events::{Dropped, Tally},
    forms::Forms,
    frames_of,
    login::Stays,
    recovery::Trail,
    relay::Alias,
    uplink::Voice,
};

/// What a notice may weigh beside its payload: its event, its id, its frame.
const FRAME_BYTES_MAX: usize = 2048;

#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) session: Arc<Session>,
    pub(crate) namespace: Namespace,
    /// The id that the client knows. For an Engine.IO 3 socket outside `/` it begins with the namespace,
    /// as clients 2.x have it.
    pub(crate) id: SocketId,
    pub(crate) user: Option<UserId>,
    pub(crate) pass: Pass,
    pub(crate) places: Places,
    /// The rooms of `/` that it is in.
    pub(crate) stays: Stays,
    /// What it says to the backend.
    pub(crate) voice: Voice,
    pub(crate) alias: Alias,
    /// Questions that wait for its answer. Changed by the list of those who wait only.
    pub(crate) open_questions: AtomicU16,
    /// How it came to where it is, if its client may come back to it.
    pub(crate) trail: Option<Box<Trail>>,
    inflow: Mutex<Inflow>,
}

impl Seat {
    pub(crate) fn new(
        session: &Arc<Session>,
        namespace: Namespace,
        user: Option<UserId>,
        since: Cursor,
        grant: Option<Grant>,
        trail: Option<Box<Trail>>,
    ) -> Arc<Self> {
        let id = match session.dialect {
            Dialect::Engine3 { .. } if namespace.is_root() => session.id.as_str().to_owned(),
            Dialect::Engine3 { .. } => format!("{namespace}#{}", session.id.as_str()),
            _ => match trail.as_ref().and_then(|trail| trail.socket.as_ref()) {
                Some(id) => id.as_str().to_owned(),
                None => session.shared.ids.socket().as_str().to_owned(),
            },
        };
        Arc::new(Self {
            session: Arc::clone(session),
            namespace,
            // A namespace of nearly the length of a name leaves no room for an id behind it.
            id: SocketId::new(&id).unwrap_or_else(|_| session.shared.ids.socket()),
            user,
            pass: Pass::new(grant),
            places: Places::default(),
            stays: Stays::default(),
            voice: Voice::default(),
            alias: Alias::default(),
            open_questions: AtomicU16::new(0),
            trail,
            inflow: Mutex::new(Inflow::new(since)),
        })
    }

    /// The names under which the client may know itself (contract: an Engine.IO 3 socket outside `/`
    /// knows `/notice#id` on 2.x, and the bare id on 1.x).
    pub(crate) fn own_names(&self) -> Vec<&str> {
        let id = self.id.as_str();
        match id.strip_prefix(self.namespace.as_str()).and_then(|rest| rest.strip_prefix('#')) {
            Some(bare) => vec![id, bare],
            None => vec![id],
        }
    }

    pub(crate) fn audience(&self, scope: Scope) -> Audience {
        Audience { namespace: self.namespace.clone(), scope }
    }

    pub(crate) fn rooms(&self) -> Vec<Room> {
        let rooms =
            self.places.audiences().into_iter().filter_map(|audience| match audience.scope {
                Scope::Room(room) => Some(room),
                _ => None,
            });
        rooms.collect()
    }

    /// Takes a notice, now or when it is past its snapshot. `false`: it is known already, does not wait, or
    /// the socket is going.
    pub(crate) fn deliver(&self, forms: &Forms, tally: &mut Tally<'_>) -> bool {
        let bytes_max = self.session.shared.config.limits.queue_bytes;
        let next = self.inflow.lock().take(&forms.notice, bytes_max);
        match next {
            Next::Send => self.send(forms, tally),
            Next::Held => true,
            Next::Skip => false,
            Next::Drop => {
                tally.dropped(Dropped::Volatile);
                false
            }
            Next::Overflow => {
                self.session.close(Departure::Slow);
                false
            }
        }
    }

    /// Takes notices of one audience, with one write if it is past its snapshot. `false`: it took none.
    pub(crate) fn deliver_all(&self, all: &[Arc<Forms>], tally: &mut Tally<'_>) -> bool {
        if let [forms] = all {
            return self.deliver(forms, tally);
        }
        let passes = {
            let inflow = self.inflow.lock();
            all.iter().all(|forms| inflow.passes(&forms.notice))
        };
        if !passes || self.trail.is_some() {
            let taken = all.iter().filter(|forms| self.deliver(forms, tally));
            return taken.count() > 0;
        }
        let dialect = self.session.dialect;
        let due = all.iter().filter(|forms| !forms.is_superseded());
        let frames = due.filter_map(|forms| forms.frame(dialect));
        let Some(sent) = self.session.hand_all(frames.clone()) else { return false };
        tally.wrote(sent.bytes);
        frames.for_each(|(encoded, _)| tally.sent(encoded));
        for forms in all {
            if forms.is_superseded() {
                tally.dropped(Dropped::Superseded);
            }
            tally.delivered(sent, dialect, forms.fresh_since());
        }
        true
    }

    fn send(&self, forms: &Forms, tally: &mut Tally<'_>) -> bool {
        let Notice { draft, position } = &*forms.notice;
        let is_counted = !self.session.shared.is_local(position);
        let reach = is_counted.then_some((&draft.audience, position));
        self.send_reaching(forms, reach, tally)
    }

    /// Sends a notice with which its client has come up to `reach`.
    fn send_reaching(
        &self,
        forms: &Forms,
        reach: Option<(&Audience, &Position)>,
        tally: &mut Tally<'_>,
    ) -> bool {
        let draft = &forms.notice.draft;
        if draft.kind == Kind::Volatile && !self.session.is_free() {
            tally.dropped(Dropped::Volatile);
            return false;
        }
        let dialect = self.session.dialect;
        let sent = match forms.frame(dialect) {
            Some((encoded, task)) => self.write(encoded, reach, task, tally),
            None => self.send_by_name(forms, reach, tally),
        };
        if let Some(sent) = sent {
            tally.delivered(sent, dialect, forms.fresh_since());
        }
        sent.is_some()
    }

    /// A notice without an event name: once under each name that the socket may know itself by.
    fn send_by_name(
        &self,
        forms: &Forms,
        reach: Option<(&Audience, &Position)>,
        tally: &mut Tally<'_>,
    ) -> Option<Sent> {
        let dialect = self.session.dialect;
        let send = |name| self.write(&forms.encode(dialect, name), reach, None, tally);
        self.own_names().into_iter().map(send).fold(None, Option::or)
    }

    fn write(
        &self,
        encoded: &Arc<Encoded>,
        reach: Option<(&Audience, &Position)>,
        task: Option<&TaskKey>,
        tally: &mut Tally<'_>,
    ) -> Option<Sent> {
        let mut hand = |encoded: &Arc<Encoded>| {
            let sent = self.session.hand(encoded, task)?;
            tally.sent(encoded);
            tally.wrote(sent.bytes);
            Some(sent)
        };
        match &self.trail {
            None => hand(encoded),
            Some(trail) => trail.send(encoded, reach, hand),
        }
    }

    /// Whether an operator sits there, who is nobody's client.
    pub(crate) fn watches(&self) -> bool {
        self.session.dialect == Dialect::EventStream && self.session.transport() == Transport::Tail
    }

    /// Whether its client has been welcomed, and is past its snapshot.
    pub(crate) fn is_live(&self) -> bool {
        self.inflow.lock().is_live()
    }

    /// An event to this seat alone, of the gateway's own making.
    pub(crate) fn tell(&self, event: &str, json: &str) -> bool {
        self.session.send(&self.event(event, json)).is_some()
    }

    fn event(&self, event: &str, json: &str) -> Arc<Encoded> {
        frames_of::event(self.session.dialect, &self.namespace, event, json)
    }
}
