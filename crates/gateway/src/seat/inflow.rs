//! What reaches a seat while something is read for it, and what it must not see twice afterwards.

use std::{mem, sync::Arc};

use adapter::CatchUp;
use notice::{Audience, Cursor, Kind, Notice, Origin, Position};

/// From the bus to a seat.
#[derive(Debug, Default)]
pub(crate) struct Inflow {
    /// Its client has been welcomed. Before, all is held back, up to a bound.
    is_live: bool,
    /// Where that ended which was read of each audience, and whether it was everything.
    floors: Vec<(Audience, Position, bool)>,
    /// Only while something is held, or may have to be.
    waiting: Option<Box<Waiting>>,
    pub(super) known: Known,
}

#[derive(Debug, Default)]
struct Waiting {
    held: Vec<Arc<Notice>>,
    bytes: usize,
    /// Audiences of which the store is being read.
    reading: Vec<Audience>,
    /// Those that were counted anew meanwhile: what is read of them may come from before.
    renumbered: Vec<Audience>,
    /// What was read before the client was welcomed.
    read: Vec<(Audience, CatchUp)>,
}

/// Where its client has been in rooms that it has not joined yet.
#[derive(Debug, Default)]
pub(super) struct Known(Option<Box<Cursor>>);

impl Known {
    fn new(cursor: Cursor) -> Self {
        Self((!cursor.is_empty()).then(|| Box::new(cursor)))
    }

    pub(super) fn position(&self, audience: &Audience) -> Option<Position> {
        self.0.as_ref()?.position(audience).cloned()
    }

    /// A cursor is good for one join: what comes after was sent.
    pub(super) fn forget(&mut self, audience: &Audience) {
        if let Some(cursor) = &mut self.0 {
            cursor.forget(audience);
        }
        self.0.take_if(|cursor| cursor.is_empty());
    }
}

/// What to do with a notice that the bus has brought.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Next {
    Send,
    Held,
    /// It was read already.
    Skip,
    /// It does not wait.
    Drop,
    /// More was held than the seat may queue.
    Overflow,
}

/// What may be sent now, in this order.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) read: Vec<(Audience, CatchUp)>,
    pub(crate) fresh: Vec<Arc<Notice>>,
}

impl Inflow {
    pub(crate) fn new(since: Cursor) -> Self {
        Self { known: Known::new(since), ..Self::default() }
    }

    pub(crate) fn take(&mut self, notice: &Arc<Notice>, bytes_max: usize) -> Next {
        if !self.holds_back(&notice.draft.audience) {
            return if self.covers(notice) { Next::Skip } else { Next::Send };
        }
        if notice.draft.kind == Kind::Volatile {
            return Next::Drop;
        }
        let Waiting { held, bytes, .. } = &mut **self.waiting.get_or_insert_default();
        *bytes += notice.draft.payload.len_bytes();
        if *bytes > bytes_max {
            return Next::Overflow;
        }
        held.push(Arc::clone(notice));
        Next::Held
    }

    /// Whether the bus's `notice` is to be sent at once.
    pub(crate) fn passes(&self, notice: &Notice) -> bool {
        !self.holds_back(&notice.draft.audience) && !self.covers(notice)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Holds back what the bus brings of `audience`, until there were as many ends of that as beginnings.
    pub(crate) fn begin(&mut self, audience: &Audience) {
        self.waiting.get_or_insert_default().reading.push(audience.clone());
    }

    /// What was read of an audience, to be sent when the reading ends, or with the welcome.
    pub(crate) fn caught(&mut self, audience: &Audience, caught: CatchUp) {
        self.waiting.get_or_insert_default().read.push((audience.clone(), caught));
    }

    pub(crate) fn end(&mut self, audience: &Audience) -> Due {
        let Some(waiting) = &mut self.waiting else { return Due::default() };
        if let Some(at) = waiting.reading.iter().position(|reading| reading == audience) {
            waiting.reading.swap_remove(at);
        }
        if self.is_live { self.release() } else { Due::default() }
    }

    /// The client is welcomed.
    pub(crate) fn go_live(&mut self) -> Due {
        self.is_live = true;
        self.release()
    }

    /// Covers nothing of `audience` any more: it may see twice what it has, and misses nothing.
    pub(crate) fn renumber(&mut self, audience: &Audience) {
        self.floors.retain(|(floored, ..)| floored != audience);
        if let Some(waiting) = &mut self.waiting
            && !waiting.renumbered.contains(audience)
        {
            waiting.renumbered.push(audience.clone());
        }
    }

    /// Forgets what is known of `audience`.
    pub(crate) fn leave(&mut self, audience: &Audience) {
        self.floors.retain(|(floored, ..)| floored != audience);
        if let Some(waiting) = &mut self.waiting {
            waiting.read.retain(|(read, _)| read != audience);
            waiting.held.retain(|notice| notice.draft.audience != *audience);
        }
        self.tidy();
    }

    /// What was read, and of what was held all that is above it and not held on.
    fn release(&mut self) -> Due {
        let Some(waiting) = &mut self.waiting else { return Due::default() };
        let (read, held) = (mem::take(&mut waiting.read), mem::take(&mut waiting.held));
        let renumbered = waiting.renumbered.clone();
        waiting.renumbered.retain(|audience| waiting.reading.contains(audience));
        waiting.bytes = 0;
        for (audience, caught) in &read {
            self.floors.retain(|(floored, ..)| floored != audience);
            if let Some(position) = &caught.position
                && !renumbered.contains(audience)
            {
                self.floors.reserve_exact(1);
                self.floors.push((audience.clone(), position.clone(), caught.is_whole));
            }
        }
        let mut fresh = held;
        fresh.retain(|notice| self.take(notice, usize::MAX) == Next::Send);
        self.tidy();
        Due { read, fresh }
    }

    fn tidy(&mut self) {
        let is_idle = |it: &mut Box<Waiting>| {
            it.held.is_empty() && it.reading.is_empty() && it.read.is_empty()
        };
        self.waiting.take_if(is_idle);
    }

    fn holds_back(&self, audience: &Audience) -> bool {
        !self.is_live || self.waiting.as_ref().is_some_and(|it| it.reading.contains(audience))
    }

    /// Unless everything was, only a user's task notices and those of kept rooms can have been read.
    fn covers(&self, notice: &Notice) -> bool {
        let is_read = notice.draft.origin == Origin::Worker || notice.draft.kind == Kind::Kept;
        let at = &notice.position;
        let covers = |(_, floor, is_whole): &(Audience, Position, bool)| {
            // No two audiences have the same epoch.
            (is_read || *is_whole) && floor.epoch == at.epoch && at.seq <= floor.seq
        };
        self.floors.iter().any(covers)
    }
}

#[cfg(test)]
mod tests {
    //! What a seat sees of an audience that is counted anew.

    use std::time::SystemTime;

    use notice::{Draft, Epoch, EventName, Namespace, Payload, Scope};

    use super::*;

    fn audience() -> Audience {
        Audience { namespace: Namespace::root(), scope: Scope::Everyone }
    }

    fn at(seq: u64) -> Position {
        Position { epoch: Epoch::new("a").unwrap(), seq }
    }

    fn kept(seq: u64) -> Arc<Notice> {
        let draft = Draft {
            audience: audience(),
            narrowing: None,
            event: EventName::new("note").ok(),
            payload: Payload::several(&[], Vec::new()),
            kind: Kind::Kept,
            origin: Origin::Backend,
            handed_in: SystemTime::now(),
            trace: None,
        };
        Arc::new(Notice { draft, position: at(seq) })
    }

    /// A seat that has read all up to 5.
    fn read() -> Inflow {
        let mut inflow = Inflow { is_live: true, ..Inflow::default() };
        inflow.begin(&audience());
        inflow.caught(&audience(), CatchUp { position: Some(at(5)), ..CatchUp::default() });
        inflow.end(&audience());
        assert_eq!(inflow.take(&kept(5), usize::MAX), Next::Skip);
        assert_eq!(inflow.take(&kept(6), usize::MAX), Next::Send);
        inflow
    }

    #[test]
    fn a_known_number_that_was_given_again_is_news() {
        let mut inflow = read();
        inflow.renumber(&audience());
        assert_eq!(inflow.take(&kept(4), usize::MAX), Next::Send);
    }

    #[test]
    fn what_was_being_read_meanwhile_covers_nothing_either() {
        let mut inflow = read();
        inflow.begin(&audience());
        inflow.renumber(&audience());
        assert_eq!(inflow.take(&kept(4), usize::MAX), Next::Held);
        inflow.caught(&audience(), CatchUp { position: Some(at(9)), ..CatchUp::default() });
        assert_eq!(inflow.end(&audience()).fresh.len(), 1);
        assert_eq!(inflow.take(&kept(8), usize::MAX), Next::Send);
        // The next reading is of the new count.
        inflow.begin(&audience());
        inflow.caught(&audience(), CatchUp { position: Some(at(9)), ..CatchUp::default() });
        inflow.end(&audience());
        assert_eq!(inflow.take(&kept(8), usize::MAX), Next::Skip);
    }
}
