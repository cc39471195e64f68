//! Who is logged in to a room, in the whole cluster.
//!
//! May enter: rooms, members by the ids of their sockets. May not enter: codes and texts for clients.
//! Promise: whatever happens at once, a room that was taken alone has one holder, and every member that is
//! put out is named on its own node, by [`Arrival::PutOut`](crate::Arrival::PutOut).

use std::sync::Arc;

use notice::{Audience, ResumeKey, SocketId, UserId};

use crate::{embedded, error::LoginError, redis};

/// One node's members of rooms. Clones share them.
#[derive(Clone, Debug)]
pub struct Logins {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded { rooms: Arc<embedded::Rooms>, ear: Arc<embedded::Ear> },
    Redis(Arc<redis::Leases>),
}

/// One member that wants in.
#[derive(Clone, Debug)]
pub struct Login {
    pub member: SocketId,
    pub mode: LoginMode,
    /// The member that logged in with the same one before, if it is still in, is put out: it is this one's
    /// earlier self.
    pub resume: Option<Resume>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginMode {
    /// Only if nobody is in, however they came.
    First,
    /// Everybody who is in is put out.
    Last,
    /// Beside everybody who is in.
    Whenever,
}

/// A client's own word, which only the same user's sockets may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resume {
    pub user: Option<UserId>,
    pub key: ResumeKey,
}

/// What came of a login that was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginOutcome {
    In,
    /// [`LoginMode::First`], and somebody is in.
    Occupied,
}

impl Logins {
    pub(crate) fn of_embedded(rooms: Arc<embedded::Rooms>, ear: Arc<embedded::Ear>) -> Self {
        Self { road: Road::Embedded { rooms, ear } }
    }

    pub(crate) fn of_redis(leases: Arc<redis::Leases>) -> Self {
        Self { road: Road::Redis(leases) }
    }

    /// Lets a member into a room, in one step with all that follows from it. Who is in already stays in,
    /// and puts the others out with [`LoginMode::Last`].
    ///
    /// The node must listen to the room before ([`Interest::enter`](crate::Interest::enter)), or it may
    /// learn only at the next renewal that the member was put out. That may arrive before this returns.
    ///
    /// Cancellation-safe: dropped half-way, the member is not in, or what it had before.
    pub async fn login(&self, room: &Audience, login: Login) -> Result<LoginOutcome, LoginError> {
        match &self.road {
            Road::Embedded { rooms, ear } => rooms.login(ear, room, login).await,
            Road::Redis(leases) => Box::pin(leases.login(room, login)).await,
        }
    }

    /// Whether this node holds the member in the room, as far as it knows.
    pub fn holds(&self, room: &Audience, member: &SocketId) -> bool {
        match &self.road {
            Road::Embedded { rooms, ear } => rooms.holds(ear, room, member),
            Road::Redis(leases) => leases.held.holds(room, member),
        }
    }

    /// Gives a member's place back. When this has returned, it no longer counts; should the store be away,
    /// it stops counting when that is back, or when its lease is over.
    pub async fn leave(&self, room: &Audience, member: &SocketId) {
        match &self.road {
            Road::Embedded { rooms, ear } => rooms.leave(ear, room, member),
            Road::Redis(leases) => leases.leave(room, member).await,
        }
    }

    /// The same, without waiting for it.
    pub fn leave_soon(&self, room: &Audience, member: &SocketId) {
        match &self.road {
            Road::Embedded { rooms, ear } => rooms.leave(ear, room, member),
            Road::Redis(leases) => leases.leave_soon(room, member),
        }
    }
}

impl LoginMode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Whenever => "whenever",
        }
    }
}
