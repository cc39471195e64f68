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

use adapter::{Login, LoginError, LoginMode, LoginOutcome, Resume};
use notice::{Audience, Scope, SocketId};

pub(crate) use self::stays::Stays;
use self::{
    asked::{Asked, asked, room_to_leave},
    reply::{Fault, Reply},
    stays::{Before, Verdict},
};
use crate::{
    events::{Dropped, login_failed},
    seat::Seat,
    shared::Shared,
};

/// `loginRoom` with `(id, type?)` or `({id, type?, resume?})`. The answer as JSON, which the client also has
/// as `downmsg`.
pub(crate) async fn login_room(seat: &Arc<Seat>, args: &str) -> String {
    let asked = match asked(args) {
        Ok(asked) => asked,
        Err(fault) => return refuse(seat, fault),
    };
    let Asked { room, mode, resume } = asked;
    let resume = resume.map(|key| Resume { user: seat.user.clone(), key });
    let reply = |outcome| match outcome {
        Ok(LoginOutcome::In) => Reply::In(&room),
        Ok(LoginOutcome::Occupied) => Reply::Occupied(&room),
        Err(fault) => Reply::Fault(fault),
    };
    let audience = seat.audience(Scope::Room(room.clone()));
    let outcome = log_in(seat, &audience, mode, resume, |outcome| {
        seat.tell("downmsg", &reply(outcome).json());
    });
    reply(outcome.await).json()
}

/// `leaveRoom` with `(id)`. The answer as JSON.
pub(crate) async fn leave_room(seat: &Arc<Seat>, args: &str) -> String {
    let room = match room_to_leave(args) {
        Ok(room) => room,
        Err(fault) => return refuse(seat, fault),
    };
    leave(seat, &seat.audience(Scope::Room(room.clone()))).await;
    Reply::Left(&room).json()
}

/// Joins a room of `/` beside everybody who is in, for whoever does so without `loginRoom`: the query of a
/// connection, or a backend.
pub(crate) async fn join(seat: &Arc<Seat>, room: &Audience) -> Result<(), Fault> {
    log_in(seat, room, LoginMode::Whenever, None, |_| {}).await.map(drop)
}

/// Ends the seat's stay in `room`, if there is one. Whether there was.
pub(crate) async fn leave(seat: &Arc<Seat>, room: &Audience) -> bool {
    let shared = &seat.session.shared;
    let _turn = seat.stays.turn().await;
    let left = seat.stays.leave(room, || end_membership(seat, room));
    if left {
        shared.logins.leave(room, &seat.id).await;
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
    if seat.stays.put_out(room, || end_membership(seat, room)) {
        tell_put_out(seat, room);
    }
}

/// Calls `tell` between what the client must hear before the outcome and after it.
async fn log_in(
    seat: &Arc<Seat>,
    room: &Audience,
    mode: LoginMode,
    resume: Option<Resume>,
    tell: impl Fn(Result<LoginOutcome, Fault>),
) -> Result<LoginOutcome, Fault> {
    let shared = &seat.session.shared;
    let turn = seat.stays.turn().await;
    let (outcome, verdict) = match Entering::begin(seat, room).await {
        Err(fault) => (Err(fault), Verdict::default()),
        Ok(entering) => {
            let login = Login { member: seat.id.clone(), mode, resume };
            let outcome = shared.logins.login(room, login).await;
            let outcome = outcome.map_err(|error| fault(&error));
            let is_in = matches!(outcome, Ok(LoginOutcome::In));
            (outcome, entering.finish(is_in))
        }
    };
    drop(turn);
    if verdict.was_put_out_before {
        tell_put_out(seat, room);
    }
    tell(outcome);
    if verdict.is_put_out_again {
        tell_put_out(seat, room);
    }
    outcome
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
        let before = seat.stays.begin(room)?;
        let mut entering = Self { seat, room, before, is_heard: false, is_over: false };
        let shared = &seat.session.shared;
        if before == Before::Out {
            shared.interest.enter(room).await.map_err(|error| {
                shared.events.store_away(&error);
                Fault::Unreachable
            })?;
            entering.is_heard = true;
        }
        Ok(entering)
    }

    /// What the client must be told beside the outcome.
    fn finish(mut self, is_in: bool) -> Verdict {
        self.is_over = true;
        let Self { seat, room, before, .. } = self;
        let Shared { hub, interest, logins, .. } = &*seat.session.shared;
        let join = || {
            if hub.join(seat, room) && seat.places.entered(room) {
                return;
            }
            interest.leave(room);
        };
        let leave = || match before {
            Before::In => end_membership(seat, room),
            Before::Out => interest.leave(room),
        };
        let holds = || logins.holds(room, &seat.id);
        let verdict = seat.stays.finish(room, is_in, holds, join, leave);
        if verdict.has_left {
            logins.leave_soon(room, &seat.id);
        }
        verdict
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
    }
}

fn tell_put_out(seat: &Seat, room: &Audience) {
    if let Scope::Room(room) = &room.scope {
        seat.tell("downmsg", &Reply::PutOut(room).json());
    }
}

fn refuse(seat: &Seat, fault: Fault) -> String {
    seat.session.shared.events.dropped(Dropped::Malformed);
    let json = Reply::Fault(fault).json();
    seat.tell("downmsg", &json);
    json
}

fn fault(error: &LoginError) -> Fault {
    login_failed(error);
    match error {
        LoginError::Unreachable { .. } | LoginError::Broken { .. } => Fault::Unreachable,
        LoginError::Unsettled { .. } => Fault::Unsettled,
        LoginError::Full { .. } => Fault::Full,
    }
}
