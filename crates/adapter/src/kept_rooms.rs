//! Rooms whose plain notices are kept for those who come later.

use notice::{Audience, Draft, Kind, RoomPattern, Scope};

use crate::error::PublishError;

/// Named by patterns, in every namespace.
#[derive(Clone, Debug, Default)]
pub struct KeptRooms(Vec<RoomPattern>);

impl KeptRooms {
    pub fn new(rooms: Vec<RoomPattern>) -> Self {
        Self(rooms)
    }

    pub(crate) fn have(&self, audience: &Audience) -> bool {
        let Scope::Room(room) = &audience.scope else { return false };
        self.0.iter().any(|pattern| pattern.covers(room))
    }

    /// The first of these rooms that `draft` is for, alone or among others.
    pub(crate) fn named_by(&self, draft: &Draft) -> Option<Audience> {
        let rooms = draft.narrowing.iter().flat_map(|it| it.rooms.iter().cloned());
        let namespace = &draft.audience.namespace;
        let others =
            rooms.map(|room| Audience { namespace: namespace.clone(), scope: Scope::Room(room) });
        [draft.audience.clone()].into_iter().chain(others).find(|audience| self.have(audience))
    }

    /// Makes a plain draft a kept one where its room is. Refuses one that is also for others, or not for all
    /// in it: who comes later could not be told what it may have of that.
    pub(crate) fn mark(&self, draft: Draft) -> Result<Draft, PublishError> {
        if self.0.is_empty() || draft.kind != Kind::Plain {
            return Ok(draft);
        }
        match self.named_by(&draft) {
            None => Ok(draft),
            Some(audience) if draft.narrowing.is_some() => Err(PublishError::Narrowed { audience }),
            Some(_) => Ok(Draft { kind: Kind::Kept, ..draft }),
        }
    }
}
