//! What the bus keeps, for those who were not there.

use std::{sync::Arc, time::Duration};

use notice::{Audience, Notice, NoticeId, Position, UserId};

use crate::{embedded, error::BusError, kept_rooms::KeptRooms as _, redis};

/// Reads the newest state of tasks and the finals that are still kept.
#[derive(Clone, Debug)]
pub struct Store {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded(Arc<embedded::Bus>),
    Redis(Arc<redis::Bus>),
}

/// From where on a client wants the finals it may have missed.
#[derive(Clone, Copy, Debug)]
pub enum Since<'a> {
    /// After the last notice it saw.
    Position(&'a Position),
    /// Of the last so-and-so long.
    Window(Duration),
}

/// One audience's state, all read at the same moment.
///
/// Both lists are in the order of `seq`. Sent merged in that order, the last id that a client has
/// seen is a true cursor wherever it is cut off.
#[derive(Clone, Debug, Default)]
pub struct CatchUp {
    /// The newest notice of each task that has not ended.
    pub live: Vec<Arc<Notice>>,
    /// Every final, or all of a kept room, that is kept after the cursor or within the window.
    pub finals: Vec<Arc<Notice>>,
    /// Set when finals after the cursor may be missing from `finals`.
    pub gap: Option<Gap>,
    /// The audience's newest notice at the time of reading: what has a higher `seq` is not in here.
    /// `None`: the audience has never been counted, or has been forgotten.
    pub position: Option<Position>,
    /// Plain notices after the cursor are in `finals` too.
    pub is_whole: bool,
}

/// Where an audience stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    pub position: Position,
    /// Of what came up to here, something may be kept no more.
    pub gone_seq: u64,
}

/// Something after the cursor is no longer kept, or the cursor is of another life of the audience.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gap {
    pub since: NoticeId,
    /// The oldest final that is still kept, if any is.
    pub oldest: Option<NoticeId>,
}

impl Store {
    pub(crate) fn of_embedded(bus: Arc<embedded::Bus>) -> Self {
        Self { road: Road::Embedded(bus) }
    }

    pub(crate) fn of_redis(bus: Arc<redis::Bus>) -> Self {
        Self { road: Road::Redis(bus) }
    }

    /// Whether `audience` is a room of which plain notices are kept.
    pub fn keeps(&self, audience: &Audience) -> bool {
        match &self.road {
            Road::Embedded(bus) => bus.config().kept_rooms.have(audience),
            Road::Redis(bus) => bus.kept_rooms().have(audience),
        }
    }

    /// What a client of `audience` must be told to know all that one who never left knows.
    pub async fn catch_up(
        &self,
        audience: &Audience,
        since: Since<'_>,
    ) -> Result<CatchUp, BusError> {
        match &self.road {
            Road::Embedded(bus) => Ok(bus.catch_up(audience, since)),
            Road::Redis(bus) => bus.catch_up(audience, since).await,
        }
    }

    /// Where `audience` stands. `None`: it is not counted.
    pub async fn standing(&self, audience: &Audience) -> Result<Option<Standing>, BusError> {
        match &self.road {
            Road::Embedded(bus) => Ok(bus.standing(audience)),
            Road::Redis(bus) => bus.standing(audience).await,
        }
    }

    /// All that who has had everything of `audience` up to `since` has missed, plain notices among it, in the
    /// order of `seq` under `finals`. A gap where that is not known to be all.
    pub async fn missed(&self, audience: &Audience, since: &Position) -> Result<CatchUp, BusError> {
        match &self.road {
            Road::Embedded(bus) => Ok(bus.missed(audience, since)),
            Road::Redis(bus) => bus.missed(audience, since).await,
        }
    }

    /// The newest notice of each task of `user`, live and lately ended, in the order of `seq`.
    pub async fn tasks(&self, user: &UserId) -> Result<Vec<Arc<Notice>>, BusError> {
        let audience = Audience::tasks_of(user.clone());
        match &self.road {
            Road::Embedded(bus) => Ok(bus.tasks(&audience)),
            Road::Redis(bus) => bus.tasks(&audience).await,
        }
    }

    /// Forgets the state of the task `identity` in all its runs, and says whether there was one. Its
    /// finals stay in the log; its next notice is taken as its first.
    pub async fn forget(&self, user: &UserId, identity: &str) -> Result<bool, BusError> {
        let audience = Audience::tasks_of(user.clone());
        match &self.road {
            Road::Embedded(bus) => Ok(bus.forget(&audience, identity)),
            Road::Redis(bus) => bus.forget(&audience, identity).await,
        }
    }
}

impl Standing {
    /// Whether all that came after `since` is known.
    pub fn reaches_back_to(&self, since: &Position) -> bool {
        let is_known = since.epoch == self.position.epoch && since.seq <= self.position.seq;
        is_known && self.gone_seq <= since.seq
    }

    /// What of `all` came after `since`, in order.
    pub(crate) fn missed(
        self,
        audience: &Audience,
        since: &Position,
        all: impl Iterator<Item = Arc<Notice>>,
    ) -> CatchUp {
        let gap = (!self.reaches_back_to(since)).then(|| gap_after(audience, since));
        let mut finals: Vec<_> = all.filter(|notice| notice.position.seq > since.seq).collect();
        finals.sort_unstable_by_key(|notice| notice.position.seq);
        CatchUp { live: Vec::new(), finals, gap, position: Some(self.position), is_whole: true }
    }

    /// The same of an audience that is not counted any more.
    pub(crate) fn forgotten(audience: &Audience, since: &Position) -> CatchUp {
        CatchUp { gap: Some(gap_after(audience, since)), ..CatchUp::default() }
    }
}

fn gap_after(audience: &Audience, since: &Position) -> Gap {
    let since = NoticeId { audience: audience.clone(), position: since.clone() };
    Gap { since, oldest: None }
}
