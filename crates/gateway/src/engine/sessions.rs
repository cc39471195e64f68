//! The sessions of this node by their ids, in shards so that newcomers and leavers seldom meet.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{addresses::Addresses, session::Session, sid::SessionId};
use crate::{config::Limits, events::Handshake};

const SHARDS: usize = 32;

type Shard = HashMap<SessionId, Arc<Session>>;

#[derive(Debug)]
pub(crate) struct Sessions {
    shards: Box<[Mutex<Shard>]>,
    addresses: Addresses,
    hasher: RandomState,
}

impl Default for Sessions {
    fn default() -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Self { shards, addresses: Addresses::default(), hasher: RandomState::new() }
    }
}

impl Sessions {
    /// Whether a session may begin that is no connection of its own: one connection could poll for any
    /// number of them.
    pub(crate) fn admit(&self, address: IpAddr, limits: &Limits) -> Result<(), Handshake> {
        if self.len() >= limits.sockets {
            return Err(Handshake::Overloaded);
        }
        let full = self.addresses.is_full(address, limits.sockets_per_address);
        if full { Err(Handshake::AddressFull) } else { Ok(()) }
    }

    pub(crate) fn insert(&self, session: &Arc<Session>) {
        self.addresses.count_in(session.address);
        self.shard(session.id.as_str()).lock().insert(session.id.clone(), Arc::clone(session));
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.shard(id).lock().get(id).cloned()
    }

    pub(crate) fn remove(&self, id: &SessionId) {
        // Dropped after the lock: the last reference may be this one.
        let removed = self.shard(id.as_str()).lock().remove(id);
        if let Some(session) = removed {
            self.addresses.count_out(session.address);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// All sessions at about this moment.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().cloned());
        }
        all
    }

    fn shard(&self, id: &str) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(id);
        &self.shards[usize::try_from(hash % SHARDS as u64).expect("below the number of shards")]
    }
}
