//! The sessions of this node by their ids, in shards so that newcomers and leavers seldom meet.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{session::Session, sid::SessionId};

const SHARDS: usize = 32;

type Shard = HashMap<SessionId, Arc<Session>>;

#[derive(Debug)]
pub(crate) struct Sessions {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

impl Default for Sessions {
    fn default() -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Self { shards, hasher: RandomState::new() }
    }
}

impl Sessions {
    pub(crate) fn insert(&self, session: &Arc<Session>) {
        self.shard(session.id.as_str()).lock().insert(session.id.clone(), Arc::clone(session));
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.shard(id).lock().get(id).cloned()
    }

    pub(crate) fn remove(&self, id: &SessionId) {
        // Dropped after the lock: the last reference may be this one.
        let removed = self.shard(id.as_str()).lock().remove(id);
        drop(removed);
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
