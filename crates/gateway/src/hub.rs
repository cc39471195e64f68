//! A node's members by audience, and the fan-out to them.
//!
//! Locks: a shard's lock is held for a few lines and never across a fan-out, which works on a snapshot
//! of the members. Under it, and under the choice of a narrowed fan-out, a seat's `places` lock may be taken,
//! nothing else.

mod choice;
mod fan_out;
mod parts;
mod turn;
mod volley;

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
};

use adapter::Gap;
use notice::{Audience, Namespace, Narrowing, Notice, Room, Scope, SocketId};
use parking_lot::Mutex;

pub(crate) use self::{choice::Choice, fan_out::FanOut, turn::Turn};
use crate::seat::{Entry, Seat};

const SHARDS: usize = 32;

/// A snapshot costs one reference; a change copies the list only while a fan-out holds one.
type Members = Arc<Vec<Arc<Seat>>>;

/// Seats by the ids that their clients know.
type Listed = HashMap<SocketId, Arc<Seat>>;

/// A part of the audiences, with what there is in it.
#[derive(Debug, Default)]
struct Shard {
    members: HashMap<Audience, Members>,
    memberships: usize,
    rooms: usize,
}

/// What a node holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Held {
    pub(crate) audiences: usize,
    pub(crate) rooms: usize,
    pub(crate) memberships: usize,
}

#[derive(Debug)]
pub(crate) struct Hub {
    audiences: Box<[Mutex<Shard>]>,
    sockets: Box<[Mutex<Listed>]>,
    hasher: RandomState,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            audiences: std::iter::repeat_with(Mutex::default).take(SHARDS).collect(),
            sockets: std::iter::repeat_with(Mutex::default).take(SHARDS).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Hub {
    /// Makes `seat` a member of `audience`, if it may be.
    pub(crate) fn join(&self, seat: &Arc<Seat>, audience: &Audience) -> Entry {
        let shard = &mut *self.audience_shard(audience).lock();
        let members = shard.members.entry(audience.clone()).or_default();
        let limits = &seat.session.shared.config.limits;
        let is_user = matches!(audience.scope, Scope::User(_));
        // Here, where no other comes between: many of one user may connect at once.
        let entry = if is_user && members.len() >= limits.sockets_per_user {
            Entry::Crowded
        } else {
            seat.places.add(audience, members.len(), limits.rooms_per_socket)
        };
        if entry == Entry::Added {
            shard.memberships += 1;
            shard.rooms += usize::from(members.is_empty() && is_room(audience));
            Arc::make_mut(members).push(Arc::clone(seat));
        } else if members.is_empty() {
            shard.members.remove(audience);
        }
        entry
    }

    /// Ends a membership. Says whether the bus had been told of it.
    pub(crate) fn leave(&self, seat: &Arc<Seat>, audience: &Audience) -> bool {
        let shard = &mut *self.audience_shard(audience).lock();
        let Some(place) = seat.places.remove(audience) else { return false };
        let Some(members) = shard.members.get_mut(audience) else { return place.entered };
        let list = Arc::make_mut(members);
        list.swap_remove(place.index);
        shard.memberships -= 1;
        if let Some(moved) = list.get(place.index) {
            moved.places.moved(audience, place.index);
        }
        if list.is_empty() {
            shard.members.remove(audience);
            shard.rooms -= usize::from(is_room(audience));
        }
        place.entered
    }

    /// Makes `seat` findable by its id.
    pub(crate) fn list(&self, seat: &Arc<Seat>) {
        self.socket_shard(&seat.id).lock().insert(seat.id.clone(), Arc::clone(seat));
    }

    pub(crate) fn unlist(&self, seat: &Seat) {
        let mut shard = self.socket_shard(&seat.id).lock();
        // A client of Engine.IO 3 that came back has the same id again.
        if shard.get(&seat.id).is_some_and(|listed| std::ptr::eq(&raw const **listed, seat)) {
            shard.remove(&seat.id);
        }
    }

    /// The socket that its client knows as `id` in `namespace`. Clients 1.x know the bare id where 2.x
    /// know `/notice#id`; either finds it.
    pub(crate) fn socket(&self, namespace: &Namespace, id: &SocketId) -> Option<Arc<Seat>> {
        let found = |id: &SocketId| {
            let seat = self.socket_shard(id).lock().get(id).cloned();
            seat.filter(|seat| seat.namespace == *namespace)
        };
        found(id).or_else(|| found(&SocketId::new(&format!("{namespace}#{id}")).ok()?))
    }

    pub(crate) fn members(&self, audience: &Audience) -> Option<Members> {
        self.audience_shard(audience).lock().members.get(audience).cloned()
    }

    /// Where the members are that a notice may be for: each list holds a member once, and [`Choice`] says
    /// of each whether it is meant. Of several rooms only their own members are looked at, however many
    /// are in the namespace.
    pub(crate) fn lists(&self, audience: &Audience, narrowing: Option<&Narrowing>) -> Vec<Members> {
        let namespace = &audience.namespace;
        let socket = narrowing.and_then(|it| it.socket.as_ref()).or(match &audience.scope {
            Scope::Socket(id) => Some(id),
            _ => None,
        });
        if let Some(id) = socket {
            return self
                .socket(namespace, id)
                .map(|seat| Arc::new(vec![seat]))
                .into_iter()
                .collect();
        }
        let rooms = narrowing.map(|it| it.rooms.as_slice()).unwrap_or_default();
        if rooms.is_empty() {
            return self.members(audience).into_iter().collect();
        }
        let room = |room: &Room| {
            let scope = Scope::Room(room.clone());
            self.members(&Audience { namespace: namespace.clone(), scope })
        };
        rooms.iter().filter_map(room).collect()
    }

    /// Every room, or every one of a namespace, with how many members it has on this node.
    pub(crate) fn rooms(&self, namespace: Option<&str>) -> Vec<(Namespace, Room, usize)> {
        let counted = |(audience, members): (&Audience, &Members)| match &audience.scope {
            Scope::Room(room) if namespace.is_none_or(|it| it == audience.namespace.as_str()) => {
                Some((audience.namespace.clone(), room.clone(), members.len()))
            }
            _ => None,
        };
        let mut rooms = Vec::new();
        for shard in &self.audiences {
            rooms.extend(shard.lock().members.iter().filter_map(counted));
        }
        rooms
    }

    pub(crate) fn held(&self) -> Held {
        let mut held = Held::default();
        for shard in &self.audiences {
            let shard = shard.lock();
            held.audiences += shard.members.len();
            held.rooms += shard.rooms;
            held.memberships += shard.memberships;
        }
        held
    }

    /// How many members `audience` has on this node.
    pub(crate) fn count(&self, audience: &Audience) -> usize {
        self.members(audience).map_or(0, |members| members.len())
    }

    /// `notice` on its way to every member that it is for.
    pub(crate) fn fan_out(&self, notice: &Arc<Notice>) -> FanOut {
        let draft = &notice.draft;
        FanOut::new(notice, self.lists(&draft.audience, draft.narrowing.as_deref()))
    }

    /// What is kept of an audience that is counted anew on its way to every member that it is for, whatever numbers
    /// that has read.
    pub(crate) fn renumber(&self, audience: &Audience, notices: &[Arc<Notice>]) -> FanOut {
        FanOut::renumbered(audience, notices, self.members(audience).into_iter().collect())
    }

    /// The word to every member of an audience that finals of it are gone which they have not had.
    pub(crate) fn tell_of(&self, gap: Arc<Gap>) -> FanOut {
        let lists = self.members(&gap.since.audience).into_iter().collect();
        FanOut::telling_of(gap, lists)
    }

    fn audience_shard(&self, audience: &Audience) -> &Mutex<Shard> {
        &self.audiences[self.shard_of(audience)]
    }

    fn socket_shard(&self, id: &SocketId) -> &Mutex<Listed> {
        &self.sockets[self.shard_of(id)]
    }

    fn shard_of(&self, key: &impl Hash) -> usize {
        let hash = self.hasher.hash_one(key);
        usize::try_from(hash % SHARDS as u64).expect("below the number of shards")
    }
}

fn is_room(audience: &Audience) -> bool {
    matches!(audience.scope, Scope::Room(_))
}

#[cfg(test)]
mod tests;
