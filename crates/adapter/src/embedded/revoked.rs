//! What is revoked, under one lock.

use std::{collections::HashMap, time::Duration, time::SystemTime};

use notice::{Revocation, Revoked};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    error::RevocationError,
    limits::REVOCATIONS_READ_MAX,
    revocations::{InForce, Mark, News},
};

#[derive(Debug)]
pub(crate) struct RevokedList {
    len_max: usize,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    last: u64,
    entries: HashMap<Revoked, Entry>,
}

#[derive(Debug)]
struct Entry {
    before: SystemTime,
    ends: Instant,
    mark: u64,
}

impl RevokedList {
    pub(super) fn new(len_max: usize) -> Self {
        Self { len_max, noted: Mutex::default() }
    }

    pub(crate) fn add(
        &self,
        revocation: &Revocation,
        keep: Duration,
    ) -> Result<(), RevocationError> {
        let Revocation { whom, before } = revocation;
        let (now, len_max) = (Instant::now(), self.len_max);
        let mut noted = self.noted.lock();
        noted.entries.retain(|_, entry| entry.ends > now);
        let known = noted.entries.get(whom).map(|entry| (entry.before, entry.ends));
        if known.is_none() && noted.entries.len() >= len_max {
            return Err(RevocationError::Full { len_max });
        }
        let (known_before, known_ends) = known.unwrap_or((*before, now));
        noted.last += 1;
        let entry = Entry {
            before: known_before.max(*before),
            ends: known_ends.max(now + keep),
            mark: noted.last,
        };
        noted.entries.insert(whom.clone(), entry);
        Ok(())
    }

    pub(crate) fn since(&self, mark: Mark) -> News {
        let (now, noted) = (Instant::now(), self.noted.lock());
        if mark.0 == noted.last {
            return News { mark, ..News::default() };
        }
        let mut newer: Vec<_> = noted.entries.iter().filter(|(_, it)| it.mark > mark.0).collect();
        newer.sort_unstable_by_key(|(_, entry)| entry.mark);
        let more = newer.len() > REVOCATIONS_READ_MAX;
        newer.truncate(REVOCATIONS_READ_MAX);
        let end = if more { newer.last().map(|(_, entry)| entry.mark) } else { None };
        let in_force = newer.into_iter().filter(|(_, entry)| entry.ends > now);
        let in_force = in_force.map(|(whom, entry)| InForce {
            revocation: Revocation { whom: whom.clone(), before: entry.before },
            left: entry.ends - now,
        });
        News { revocations: in_force.collect(), mark: Mark(end.unwrap_or(noted.last)), more }
    }
}
