//! Rooms of `/`: logging in, leaving, being put out. Every way into such a room is in here, for each takes a
//! lease of the adapter's.
//!
//! May enter: seats of `/`. May not enter: how a login is decided, which is the adapter's.
//!
//! The order that lets no event of the room reach who is not in it: the bus confirms that it brings what
//! concerns the room → the adapter lets the seat in → the hub counts it as a member.

mod asked;
mod reply;
mod stays;

use std::sync::Arc;

use adapter::{BusError, Login, LoginError, LoginMode, LoginOutcome, Resume};
use notice::{Audience, Scope, SocketId};
use tokio::sync::OwnedMutexGuard;

use self::{
    asked::{Asked, asked, room_to_leave},
    reply::Reply,
    stays::Before,
};
pub(crate) use self::{reply::Fault, stays::Stays};
use crate::{
    events::{Dropped, login_failed},
    seat::{Entry, Replay, Seat},
    shared::Shared,
    uplink,
};

/// The answer to a client, as JSON. Until it is dropped, the client is told nothing that came after.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) json: String,
    pub(crate) turn: Turn,
}

/// `loginRoom` with `(id, type?)` or `({id, type?, resume?})`. The client also has the answer as `downmsg`.
pub(crate) async fn login_room(seat: &Arc<Seat>, args: &str) -> Answer {
    let turn = Turn::of(seat).await;
    let Asked { room, mode, resume } = match asked(args) {
        Ok(asked) if seat.pass.opens(&asked.room) => asked,
        asked => {
            let json = malformed(seat, asked.err().unwrap_or(Fault::NotGranted));
            seat.tell("downmsg", &json);
            return Answer { json, turn };
        }
    };
    let resume = resume.map(|key| Resume { user: seat.user.clone(), key });
    let audience = seat.audience(Scope::Room(room.clone()));
    let logged_in = log_in(seat, &audience, mode, resume).await;
    seat.hold().await;
    let json = match &logged_in {
        Ok((LoginOutcome::In, _)) => Reply::In(&room).json(),
        Ok((LoginOutcome::Occupied, _)) => Reply::Occupied(&room).json(),
        Err(fault) => Reply::Fault(*fault).json(),
    };
    seat.tell("downmsg", &json);
    // What it missed comes behind that.
    drop(logged_in);
    Answer { json, turn }
}

/// `leaveRoom` with `(id)`. Only what is wrong with it is told as `downmsg` too.
pub(crate) async fn leave_room(seat: &Arc<Seat>, args: &str) -> Answer {
    let turn = Turn::of(seat).await;
    let json = match room_to_leave(args) {
        Err(fault) => {
            let json = malformed(seat, fault);
            seat.tell("downmsg", &json);
            json
        }
        Ok(room) => {
            end_stay(seat, &seat.audience(Scope::Room(room.clone()))).await;
            Reply::Left(&room).json()
        }
    };
    Answer { json, turn }
}

/// A login that is not looked at, for its client says too much. The answer, which it also has as `downmsg`.
pub(crate) fn too_fast(seat: &Seat) -> String {
    let json = Reply::Fault(Fault::TooFast).json();
    seat.tell("downmsg", &json);
    json
}

/// Whether an audience has logins: a room of `/`. In those of other namespaces, members are just there.
pub(crate) fn is_held(audience: &Audience) -> bool {
    audience.namespace.is_root() && matches!(audience.scope, Scope::Room(_))
}

/// Joins a room of `/` beside everybody who is in, for whoever does so without `loginRoom`: the query of a
/// connection, or a backend.
///
/// `alone`: it was the only one there, comes back, and must not be beside anybody else.
pub(crate) async fn join(seat: &Arc<Seat>, room: &Audience, alone: bool) -> Result<(), Fault> {
    let _turn = Turn::of(seat).await;
    let mode = if alone { LoginMode::First } else { LoginMode::Whenever };
    match log_in(seat, room, mode, None).await? {
        (LoginOutcome::In, _) => Ok(()),
        (LoginOutcome::Occupied, _) => Err(Fault::Full),
    }
}

/// Ends the seat's stay in `room`, if there is one. Whether there was.
pub(crate) async fn leave(seat: &Arc<Seat>, room: &Audience) -> bool {
    let _turn = Turn::of(seat).await;
    end_stay(seat, room).await
}

/// The same. The caller has the turn.
async fn end_stay(seat: &Arc<Seat>, room: &Audience) -> bool {
    let left = seat.stays.leave(room, || end_membership(seat, room));
    if left {
        seat.forget(room);
        seat.session.shared.logins.leave(room, &seat.id).await;
    }
    left
}

/// Ends all stays of a seat that is given up, which takes no more from now on.
pub(crate) fn give_up(seat: &Seat) {
    for room in seat.stays.leave_all() {
        seat.session.shared.logins.leave_soon(&room, &seat.id);
    }
}

/// The adapter has put these members of this node out of `room`. Who has left meanwhile is not told.
pub(crate) fn put_out(shared: &Shared, room: &Audience, members: &[SocketId]) {
    let seats = members.iter().filter_map(|member| shared.hub.socket(&room.namespace, member));
    seats.for_each(|seat| put_one_out(&seat, room));
}

fn put_one_out(seat: &Arc<Seat>, room: &Audience) {
    seat.stays.owe(room);
    see_to_owed(seat);
}

/// Tells a seat where it was put out, unless it is logging in or leaving just now: at the end of that, this
/// is called again. So what it is told comes in the order in which it was true.
fn see_to_owed(seat: &Arc<Seat>) {
    while seat.stays.owes() {
        let Some(_turn) = seat.stays.try_turn() else { return };
        for room in seat.stays.take_owed() {
            // It may have logged in once more since.
            let holds = || seat.session.shared.logins.holds(&room, &seat.id);
            if seat.stays.put_out(&room, holds, || end_membership(seat, &room)) {
                seat.forget(&room);
                tell_put_out(seat, &room);
            }
        }
    }
}

/// The right of one seat to log in or leave, one at a time. While it is held, the seat is not told where it
/// was put out: who answers a login holds it until the answer is sent.
#[derive(Debug)]
pub(crate) struct Turn {
    seat: Arc<Seat>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    async fn of(seat: &Arc<Seat>) -> Self {
        Self { seat: Arc::clone(seat), guard: Some(seat.stays.turn().await) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        see_to_owed(&self.seat);
    }
}

/// The caller has the turn. Who has got in is sent what it missed when the caller drops that.
async fn log_in<'a>(
    seat: &'a Arc<Seat>,
    room: &'a Audience,
    mode: LoginMode,
    resume: Option<Resume>,
) -> Result<(LoginOutcome, Option<Replay<'a>>), Fault> {
    let standing = seat.standing(room).await;
    let standing = standing.map_err(|error| unheard(&seat.session.shared, &error))?;
    let entering = Entering::begin(seat, room).await?;
    let login = Login { member: seat.id.clone(), mode, resume };
    let outcome = seat.session.shared.logins.login(room, login).await;
    let got_in = matches!(outcome, Ok(LoginOutcome::In));
    let is_new = got_in && entering.before == Before::Out;
    let replay = if is_new { Replay::of(seat, room) } else { None };
    let is_there = entering.finish(got_in);
    let outcome = outcome.map_err(|error| fault(&error))?;
    if !is_there {
        return Err(Fault::Gone);
    }
    let owed = match &replay {
        Some(replay) => replay.read().await,
        None => Ok(standing),
    };
    match owed {
        Ok(owed) if outcome == LoginOutcome::In => {
            seat.note(room, owed, mode != LoginMode::Whenever);
        }
        Ok(_) => {}
        Err(error) => {
            end_stay(seat, room).await;
            return Err(unheard(&seat.session.shared, &error));
        }
    }
    Ok((outcome, replay))
}

/// A seat on its way into a room. Given up half-way, nothing has changed for it.
struct Entering<'a> {
    seat: &'a Arc<Seat>,
    room: &'a Audience,
    before: Before,
    /// The bus has counted the seat for it.
    is_heard: bool,
    is_over: bool,
}

impl<'a> Entering<'a> {
    async fn begin(seat: &'a Arc<Seat>, room: &'a Audience) -> Result<Self, Fault> {
        let shared = &seat.session.shared;
        let before = seat.stays.begin(room, shared.config.limits.rooms_per_socket);
        if before == Err(Fault::TooManyRooms) {
            shared.events.dropped(Dropped::RoomsFull);
        }
        let before = before?;
        let mut entering = Self { seat, room, before, is_heard: false, is_over: false };
        if before == Before::Out {
            let entered = shared.interest.enter(room).await;
            entered.map_err(|error| unheard(shared, &error))?;
            entering.is_heard = true;
        }
        Ok(entering)
    }

    /// `false`: the seat has left meanwhile.
    fn finish(mut self, got_in: bool) -> bool {
        self.is_over = true;
        let Self { seat, room, before, .. } = self;
        let Shared { hub, interest, logins, .. } = &*seat.session.shared;
        let join = || {
            if hub.join(seat, room) == Entry::Added && seat.places.entered(room) {
                uplink::joined(seat, room);
            } else {
                interest.leave(room);
            }
        };
        let leave = || {
            if before == Before::Out {
                interest.leave(room);
            }
        };
        let is_there = seat.stays.finish(room, got_in, join, leave);
        if !is_there {
            logins.leave_soon(room, &seat.id);
        }
        is_there
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.seat.stays.abandon(self.room);
        if self.is_heard {
            self.seat.session.shared.interest.leave(self.room);
        }
    }
}

fn end_membership(seat: &Arc<Seat>, room: &Audience) {
    let shared = &seat.session.shared;
    if shared.hub.leave(seat, room) {
        shared.interest.leave(room);
        uplink::left(seat, room);
    }
}

fn tell_put_out(seat: &Seat, room: &Audience) {
    if let Scope::Room(room) = &room.scope {
        seat.tell("downmsg", &Reply::PutOut(room).json());
    }
}

fn malformed(seat: &Seat, fault: Fault) -> String {
    seat.session.shared.events.dropped(Dropped::Malformed);
    Reply::Fault(fault).json()
}

/// The bus would not bring what concerns a room.
fn unheard(shared: &Shared, error: &BusError) -> Fault {
    shared.events.store_away(error);
    if matches!(error, BusError::Full { .. }) { Fault::Full } else { Fault::Unreachable }
}

fn fault(error: &LoginError) -> Fault {
    login_failed(error);
    match error {
        LoginError::Unreachable { .. } | LoginError::Broken { .. } => Fault::Unreachable,
        LoginError::Unsettled { .. } => Fault::Unsettled,
        LoginError::Full { .. } => Fault::Full,
    }
}
