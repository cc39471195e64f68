//! How a seat came to where it is: from where on its client is owed what, and how far it has come since.
//!
//! Locks: `course` is held while the session's line is taken, so that no event says of another that it came
//! before it; it may be taken under the seat's `inflow`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use adapter::{BusError, HeldSeat, Hold, Holder, Owed, SeatError, SeatKey, Stand};
use notice::{Audience, Position, Room, Scope, SocketId};
use parking_lot::Mutex;

use super::{
    Recovery, of,
    offset::{Offset, POSITIONS_MAX},
    resumption::Resumption,
};
use crate::{encoded::Encoded, seat::Seat};

#[derive(Debug)]
pub(crate) struct Trail {
    pub(super) key: SeatKey,
    pub(super) holder: Holder,
    /// Set for a client that is given back its seat.
    pub(crate) socket: Option<SocketId>,
    course: Mutex<Course>,
    /// One writes to the store at a time, and what it writes is what holds then.
    writing: tokio::sync::Mutex<()>,
    /// Something changed after it was written last.
    is_news: AtomicBool,
    is_held: AtomicBool,
    /// Its client wants it no more, or may not have it.
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Course {
    stands: Vec<(Audience, Stand)>,
    /// The one that moved last comes last.
    passed: Vec<(Audience, Position)>,
    is_cut: bool,
    /// What is to be read for a client that comes back, when it is a member again.
    since: Vec<(Audience, Position)>,
}

impl Trail {
    pub(super) fn begin(key: SeatKey, holder: Holder) -> Self {
        Self {
            key,
            holder,
            socket: None,
            course: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            is_news: AtomicBool::new(true),
            is_held: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    pub(super) fn resume(resumption: &Resumption) -> Self {
        let Resumption { key, holder, seat, since } = resumption;
        let (stands, passed) = (seat.stands.clone(), since.clone());
        let course = Course { stands, passed, is_cut: false, since: since.clone() };
        Self {
            socket: Some(seat.socket.clone()),
            course: Mutex::new(course),
            is_held: AtomicBool::new(true),
            ..Self::begin(key.clone(), holder.clone())
        }
    }

    /// What its client shows to get the seat back, if the seat is held.
    pub(crate) fn pid(&self) -> Option<&str> {
        self.is_held.load(Ordering::Relaxed).then(|| self.key.as_str())
    }

    /// The audiences that a client gets back, each with whether it was there alone.
    pub(crate) fn places(&self) -> Vec<(Audience, bool)> {
        let course = self.course.lock();
        course.stands.iter().map(|(audience, stand)| (audience.clone(), stand.alone)).collect()
    }

    /// After what a client that comes back has missed something here. Good for one reading.
    pub(crate) fn take_since(&self, audience: &Audience) -> Option<Position> {
        let since = &mut self.course.lock().since;
        let at = since.iter().position(|(known, _)| known == audience)?;
        Some(since.swap_remove(at).1)
    }

    pub(crate) fn has(&self, audience: &Audience) -> bool {
        self.course.lock().stands.iter().any(|(known, _)| known == audience)
    }

    fn joined(&self, audience: &Audience, stand: Stand) {
        let stands = &mut self.course.lock().stands;
        if !stands.iter().any(|(known, _)| known == audience) {
            stands.push((audience.clone(), stand));
            self.is_news.store(true, Ordering::Relaxed);
        }
    }

    fn left(&self, audience: &Audience) {
        let course = &mut *self.course.lock();
        course.stands.retain(|(known, _)| known != audience);
        course.passed.retain(|(known, _)| known != audience);
        self.is_news.store(true, Ordering::Relaxed);
    }

    /// Sends `encoded` with how far its client has come when it has it: up to `reach`.
    pub(crate) fn send<T>(
        &self,
        encoded: &Encoded,
        reach: Option<(&Audience, &Position)>,
        send: impl FnOnce(&Arc<Encoded>) -> T,
    ) -> T {
        let mut course = self.course.lock();
        if let Some((audience, position)) = reach {
            course.pass(audience, position);
        }
        let offset = format!("\"{}\"", course.offset());
        send(&encoded.with_last_argument(&offset))
    }
}

impl Course {
    fn pass(&mut self, audience: &Audience, position: &Position) {
        // No two audiences have the same epoch.
        let known = self.passed.iter().position(|(_, at)| at.epoch == position.epoch);
        if let Some(at) = known {
            let (audience, before) = self.passed.remove(at);
            let seq = before.seq.max(position.seq);
            self.passed.push((audience, Position { seq, ..before }));
            return;
        }
        self.passed.retain(|(known, _)| known != audience);
        if self.passed.len() >= POSITIONS_MAX {
            self.is_cut = true;
            return;
        }
        self.passed.push((audience.clone(), position.clone()));
    }

    fn offset(&self) -> Offset {
        if self.is_cut {
            return Offset { positions: Vec::new(), is_cut: true };
        }
        let positions = self.passed.iter().map(|(_, at)| at.clone()).collect();
        Offset { positions, is_cut: false }
    }
}

impl Seat {
    /// Where `audience` stands before the seat becomes a member: what comes after, its client is owed.
    pub(crate) async fn standing(&self, audience: &Audience) -> Result<Owed, BusError> {
        let (Some(trail), Some(recovery)) = (&self.trail, of(&self.session)) else {
            return Ok(Owed::All);
        };
        if trail.has(audience) {
            return Ok(Owed::All);
        }
        let standing = recovery.standing(&self.session.shared.store, audience).await?;
        Ok(standing.map_or(Owed::All, |standing| Owed::After(standing.position)))
    }

    /// Notes that the seat has become a member, and what its client is owed from then on.
    pub(crate) fn note(&self, audience: &Audience, owed: Owed, alone: bool) {
        let Some(trail) = &self.trail else { return };
        let opens = |room: &Room| self.session.shared.gate_is_shut() && self.pass.opens(room);
        let granted = matches!(&audience.scope, Scope::Room(room) if opens(room));
        trail.joined(audience, Stand { owed, alone, granted });
    }

    /// Lets the store hold the seat as it is now. Several changes at once are written once.
    pub(crate) async fn hold(&self) {
        let (Some(trail), Some(recovery)) = (&self.trail, of(&self.session)) else { return };
        let _turn = trail.writing.lock().await;
        if trail.is_over.load(Ordering::Relaxed) || !trail.is_news.swap(false, Ordering::Relaxed) {
            return;
        }
        match write(self, trail, recovery).await {
            Ok(hold) => trail.is_held.store(hold == Hold::Held, Ordering::Relaxed),
            Err(error) => {
                trail.is_news.store(true, Ordering::Relaxed);
                self.session.shared.events.not_held(&error);
            }
        }
    }

    /// Notes that the seat is no member any more, and lets the store know as soon as may be.
    pub(crate) fn note_left(self: &Arc<Self>, audience: &Audience) {
        let Some(trail) = &self.trail else { return };
        trail.left(audience);
        let seat = Arc::clone(self);
        self.session.shared.tasks.spawn(async move { seat.hold().await });
    }

    /// Nobody gets this seat back.
    pub(crate) fn let_go(self: &Arc<Self>) {
        let Some(trail) = &self.trail else { return };
        trail.is_over.store(true, Ordering::Relaxed);
        let seat = Arc::clone(self);
        self.session.shared.tasks.spawn(async move { give_up(&seat).await });
    }

    /// The store has lost the seat: it is written again.
    pub(super) async fn hold_again(&self) {
        if let Some(trail) = &self.trail {
            trail.is_news.store(true, Ordering::Relaxed);
        }
        self.hold().await;
    }
}

async fn write(seat: &Seat, trail: &Trail, recovery: &Recovery) -> Result<Hold, SeatError> {
    let held = HeldSeat {
        socket: seat.id.clone(),
        namespace: seat.namespace.clone(),
        user: seat.user.clone(),
        stands: trail.course.lock().stands.clone(),
    };
    recovery.seats.keep(&trail.key, &trail.holder, &held, recovery.held()).await
}

async fn give_up(seat: &Seat) {
    let (Some(trail), Some(recovery)) = (&seat.trail, of(&seat.session)) else { return };
    let _turn = trail.writing.lock().await;
    if let Err(error) = recovery.seats.give_up(&trail.key, &trail.holder).await {
        seat.session.shared.events.not_held(&error);
    }
}
