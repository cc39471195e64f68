//! What a backend does with sockets of this node: lets them join and leave rooms, and puts them out.

use std::sync::Arc;

use futures_util::future::join_all;
use notice::{Audience, NameError, Namespace, Room, Scope, SocketId, UserId};

use crate::{
    departure::Departure,
    login,
    questions::{Answer, Deed, Done, Order, Who},
    seat::Seat,
    shared::Shared,
    socket::{self, NotJoined},
};

/// How many seats join or leave at once: each may wait for the bus.
const PART_LEN: usize = 64;

/// Carries out one order. A name in it that is none makes it unknown: who asks takes only those that are.
pub(crate) async fn carry_out(shared: &Shared, order: &Order) -> Answer {
    let Ok(task) = Task::of(shared, order) else { return Answer::Unknown };
    let is_one = matches!(order.who, Who::Socket(_));
    let answer = match &order.deed {
        _ if is_one && task.seats.is_empty() => Answer::NotHere,
        Deed::Join { .. } => task.join(shared).await,
        Deed::Leave { .. } => task.leave().await,
        Deed::Disconnect { close, reason } => task.put_out(*close, reason.as_deref()).await,
    };
    match answer {
        Answer::Done(Done { sockets: 0, full: 0 }) if is_one => Answer::NotHere,
        answer => answer,
    }
}

/// An order whose names are names, and the seats that are here for it.
struct Task {
    seats: Vec<Arc<Seat>>,
    rooms: Vec<Audience>,
}

impl Task {
    fn of(shared: &Shared, order: &Order) -> Result<Self, NameError> {
        let namespace = Namespace::new(&order.namespace)?;
        let rooms = match &order.deed {
            Deed::Join { rooms } | Deed::Leave { rooms } => rooms.as_slice(),
            Deed::Disconnect { .. } => &[],
        };
        let room = |room: &String| {
            let scope = Scope::Room(Room::new(room)?);
            Ok(Audience { namespace: namespace.clone(), scope })
        };
        let rooms = rooms.iter().map(room).collect::<Result<_, _>>()?;
        Ok(Self { seats: seats(shared, &namespace, &order.who)?, rooms })
    }

    async fn join(&self, shared: &Shared) -> Answer {
        let mut done = Done::default();
        for part in self.seats.chunks(PART_LEN) {
            let joined = join_all(part.iter().map(|seat| self.join_one(shared, seat))).await;
            if joined.contains(&Err(NotJoined::Away)) {
                return Answer::Unable;
            }
            // Those that are gone count neither way.
            done.sockets += joined.iter().filter(|joined| joined.is_ok()).count();
            done.full += joined.iter().filter(|joined| **joined == Err(NotJoined::Full)).count();
        }
        Answer::Done(done)
    }

    /// Whether the seat is in all rooms. Where one of them is full, it is in all others.
    async fn join_one(&self, shared: &Shared, seat: &Arc<Seat>) -> Result<(), NotJoined> {
        let mut all = Ok(());
        for room in &self.rooms {
            match socket::join(shared, seat, room).await {
                Err(NotJoined::Full) => all = Err(NotJoined::Full),
                joined => joined?,
            }
        }
        all
    }

    async fn leave(&self) -> Answer {
        for part in self.seats.chunks(PART_LEN) {
            join_all(part.iter().map(|seat| self.leave_one(seat))).await;
            tokio::task::yield_now().await;
        }
        self.done()
    }

    async fn leave_one(&self, seat: &Arc<Seat>) {
        for room in &self.rooms {
            if login::is_held(room) {
                login::leave(seat, room).await;
            } else {
                socket::end_membership(seat, room);
            }
        }
    }

    async fn put_out(&self, close: bool, reason: Option<&str>) -> Answer {
        for part in self.seats.chunks(PART_LEN) {
            for seat in part {
                put_one_out(seat, close, reason);
            }
            tokio::task::yield_now().await;
        }
        self.done()
    }

    fn done(&self) -> Answer {
        Answer::Done(Done { sockets: self.seats.len(), full: 0 })
    }
}

fn seats(shared: &Shared, namespace: &Namespace, who: &Who) -> Result<Vec<Arc<Seat>>, NameError> {
    let scope = match who {
        Who::Socket(id) => {
            let found = shared.hub.socket(namespace, &SocketId::new(id)?);
            return Ok(found.into_iter().collect());
        }
        Who::User(user) => Scope::User(UserId::new(user)?),
        Who::Room(room) => Scope::Room(Room::new(room)?),
    };
    let members = shared.hub.members(&Audience { namespace: namespace.clone(), scope });
    let members = members.iter().flat_map(|members| members.iter());
    Ok(members.filter(|seat| !seat.watches()).cloned().collect())
}

fn put_one_out(seat: &Seat, close: bool, reason: Option<&str>) {
    if close {
        seat.session.leave_saying(Departure::Kicked, reason);
    } else {
        seat.put_out(Departure::Kicked, reason);
    }
}
