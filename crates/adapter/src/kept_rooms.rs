//! Rooms whose plain notices are kept for those who come later.

use notice::{Audience, Draft, Kind, RoomPatterns, Scope};

use crate::error::PublishError;

/// They are named by patterns, in every namespace.
pub(crate) trait KeptRooms {
    fn have(&self, audience: &Audience) -> bool;

    /// The first of these rooms that `draft` is for, alone or among others.
    fn named_by(&self, draft: &Draft) -> Option<Audience>;

    /// Makes a plain draft a kept one where its room is. Refuses one that is also for others, or not for all
    /// in it: who comes later could not be told what it may have of that.
    fn mark(&self, draft: Draft) -> Result<Draft, PublishError>;
}

impl KeptRooms for RoomPatterns {
    fn have(&self, audience: &Audience) -> bool {
        matches!(&audience.scope, Scope::Room(room) if self.cover(room))
    }

    fn named_by(&self, draft: &Draft) -> Option<Audience> {
        let rooms = draft.narrowing.iter().flat_map(|it| it.rooms.iter().cloned());
        let namespace = &draft.audience.namespace;
        let others =
            rooms.map(|room| Audience { namespace: namespace.clone(), scope: Scope::Room(room) });
        [draft.audience.clone()].into_iter().chain(others).find(|audience| self.have(audience))
    }

    fn mark(&self, draft: Draft) -> Result<Draft, PublishError> {
        if self.is_empty() || draft.kind != Kind::Plain {
            return Ok(draft);
        }
        match self.named_by(&draft) {
            None => Ok(draft),
            Some(audience) if draft.narrowing.is_some() => Err(PublishError::Narrowed { audience }),
            Some(_) => Ok(Draft { kind: Kind::Kept, ..draft }),
        }
    }
}
