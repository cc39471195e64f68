//! The sessions of this node by their ids, in shards so that newcomers and leavers seldom meet.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{
    berth::{Berth, Berths},
    session::Session,
    sid::SessionId,
};
use crate::{config::Limits, events::Handshake};

const SHARDS: usize = 32;

/// Each keeps its berth for as long as it is known.
type Shard = HashMap<SessionId, (Arc<Session>, Berth)>;

#[derive(Debug)]
pub(crate) struct Sessions {
    shards: Box<[Mutex<Shard>]>,
    berths: Arc<Berths>,
    hasher: RandomState,
}

impl Default for Sessions {
    fn default() -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Self { shards, berths: Arc::default(), hasher: RandomState::new() }
    }
}

impl Sessions {
    /// A berth for a session that begins. One connection could ask for any number of them.
    pub(crate) fn admit(&self, address: IpAddr, limits: &Limits) -> Result<Berth, Handshake> {
        self.berths.take(address, limits)
    }

    pub(crate) fn insert(&self, session: &Arc<Session>, berth: Berth) {
        let id = session.id.clone();
        self.shard(id.as_str()).lock().insert(id, (Arc::clone(session), berth));
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.shard(id).lock().get(id).map(|(session, _)| Arc::clone(session))
    }

    pub(crate) fn remove(&self, id: &SessionId) {
        // Dropped after the lock: the last reference may be this one.
        let removed = self.shard(id.as_str()).lock().remove(id);
        drop(removed);
    }

    /// How many there are, or are about to begin.
    pub(crate) fn len(&self) -> usize {
        self.berths.taken()
    }

    pub(super) fn len_from(&self, address: IpAddr) -> usize {
        self.berths.taken_from(address)
    }

    /// All sessions at about this moment.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().values().map(|(session, _)| Arc::clone(session)));
        }
        all
    }

    fn shard(&self, id: &str) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(id);
        &self.shards[usize::try_from(hash % SHARDS as u64).expect("below the number of shards")]
    }
}
