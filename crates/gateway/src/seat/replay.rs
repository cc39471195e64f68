//! What a seat has missed of its user's tasks, or of a room that is kept, and then what is new, without a gap
//! and without a double.
//!
//! The order that makes it so: the seat holds back what the bus brings of the audience → it becomes a member,
//! and the bus confirms that it brings everything from now on → the store is read → what was read is sent, then
//! what was held back and is newer.

use std::{sync::Arc, time::SystemTime};

use adapter::{BusError, CatchUp, Owed, Since};
use notice::{Audience, Namespace, Notice, Position, Scope};
use trace::CatchingUp;

use super::{FRAME_BYTES_MAX, Seat, inflow::Due};
use crate::{events::Tally, forms::Forms, frames_of, hub::Choice, readings::Want};

/// One reading of the store for a seat that becomes a member. For as long as it is there, the seat holds back
/// what the bus brings of the audience.
pub(crate) struct Replay<'a> {
    seat: &'a Arc<Seat>,
    audience: &'a Audience,
    /// Its client comes back, and wants everything after this.
    missed: Option<Position>,
}

impl<'a> Replay<'a> {
    /// To be called before the seat is a member. `None`: nothing of this audience is kept, and nothing is read.
    pub(crate) fn of(seat: &'a Arc<Seat>, audience: &'a Audience) -> Option<Self> {
        let is_of_tasks = matches!(audience.scope, Scope::User(_))
            && audience.namespace.as_str() == Namespace::NOTICE;
        let missed = seat.trail.as_ref().and_then(|trail| trail.take_since(audience));
        if !is_of_tasks && missed.is_none() && !seat.session.shared.store.keeps(audience) {
            return None;
        }
        seat.inflow.lock().begin(audience);
        Some(Self { seat, audience, missed })
    }

    /// To be called when the bus brings everything. What is read is sent when this is dropped, or with the
    /// welcome.
    /// Gives what its client is owed from then on, beside what it says it has had.
    pub(crate) async fn read(&self) -> Result<Owed, BusError> {
        let Self { seat, audience, missed } = self;
        let shared = &seat.session.shared;
        let known = seat.inflow.lock().known.position(audience);
        let want = match (missed, &known) {
            (Some(since), _) => Want::Missed(since.clone()),
            (None, Some(since)) => Want::After(since.clone()),
            (None, None) => Want::Window,
        };
        let window = Since::Window(shared.config.recovery_window);
        // Large, and every road to here would carry it.
        let reading = Box::pin(async {
            match (missed, &known) {
                (Some(since), _) => shared.store.missed(audience, since).await,
                (None, since) => {
                    let since = since.as_ref().map_or(window, Since::Position);
                    shared.store.catch_up(audience, since).await
                }
            }
        });
        let span = shared.config.sampling.catch_up(audience);
        let (is_own, caught) = shared.readings.read(((*audience).clone(), want), reading).await;
        shared.events.read_store(is_own);
        tell(span, is_own, caught.as_ref().ok());
        let caught = caught?;
        seat.inflow.lock().known.forget(audience);
        let owed = owed(&caught);
        // It may have left meanwhile.
        if seat.places.has(audience) {
            seat.inflow.lock().caught(audience, caught);
        }
        Ok(owed)
    }
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        // Held to the end, so that the bus's next notice comes after these.
        let mut inflow = self.seat.inflow.lock();
        let due = inflow.end(self.audience);
        self.seat.send_due(&due);
    }
}

impl Seat {
    /// Ends the catching up: what was read, then what the bus brought meanwhile; live from then on.
    pub(crate) fn go_live(self: &Arc<Self>) {
        let mut inflow = self.inflow.lock();
        let due = inflow.go_live();
        self.send_due(&due);
    }

    /// The store counts an audience anew: what was read says nothing of what comes.
    pub(crate) fn renumber(&self, audience: &Audience) {
        self.inflow.lock().renumber(audience);
    }

    /// Forgets where it stood in an audience that it has left.
    pub(crate) fn forget(self: &Arc<Self>, audience: &Audience) {
        self.inflow.lock().leave(audience);
        self.note_left(audience);
    }

    fn send_due(self: &Arc<Self>, due: &Due) {
        let read = due.read.iter().flat_map(|(_, caught)| caught.live.iter().chain(&caught.finals));
        let bytes = read.map(|notice| notice.draft.payload.len_bytes() + FRAME_BYTES_MAX).sum();
        if bytes > 0 {
            // All of it together: none of it is taken before the rest is there.
            self.session.allow(bytes);
        }
        for (audience, caught) in &due.read {
            self.send_read(audience, caught);
        }
        let mut tally = self.tally();
        for notice in &due.fresh {
            self.send(&Forms::new(Arc::clone(notice), false), &mut tally);
        }
    }

    fn tally(&self) -> Tally<'_> {
        Tally::of_round(&self.session.shared.events, SystemTime::now())
    }

    /// The newest notice of each live task, then what was missed.
    fn send_read(self: &Arc<Self>, audience: &Audience, caught: &CatchUp) {
        if let Some(gap) = &caught.gap {
            let gap = frames_of::gap(self.session.dialect, &self.namespace, gap);
            self.session.send(&gap);
        }
        let all = || caught.live.iter().chain(&caught.finals);
        let mut tally = self.tally();
        let meant = |notice: &&Arc<Notice>| Choice::means(notice.draft.narrowing.as_deref(), self);
        let mut due = all().filter(meant).peekable();
        while let Some(notice) = due.next() {
            // How tasks stand is told first, whatever its numbers: until all is told, its client has come no further.
            let reach = match due.peek() {
                None => caught.position.as_ref(),
                Some(_) => caught.is_whole.then_some(&notice.position),
            };
            let reach = reach.map(|position| (audience, position));
            self.send_reaching(&Forms::new(Arc::clone(notice), true), reach, &mut tally);
        }
    }
}

/// Ends the span of a reading; what failed gave nothing.
fn tell(span: Option<CatchingUp>, is_own: bool, caught: Option<&CatchUp>) {
    match (span, caught) {
        (Some(span), Some(caught)) => {
            let notices = caught.live.iter().chain(&caught.finals).map(AsRef::as_ref);
            let outcome = if is_own { "read" } else { "shared" };
            span.ended(outcome, notices, caught.gap.is_some());
        }
        (Some(span), None) => span.failed(),
        (None, _) => {}
    }
}

/// Nobody knows how much of what was read the client gets, unless that was nothing.
fn owed(caught: &CatchUp) -> Owed {
    match &caught.position {
        _ if !caught.live.is_empty() || !caught.finals.is_empty() => Owed::Unknown,
        Some(position) => Owed::After(position.clone()),
        None => Owed::All,
    }
}

#[cfg(test)]
mod tests {
    //! What was read may wait for a client, however much it is.

    use super::*;
    use crate::{
        departure::Departure,
        engine::{Dialect, Transport},
        rehearsal::{gateway, notice, room, seat, session},
    };

    const PART: usize = 32 * 1024;

    fn six_parts_of(audience: &Audience) -> CatchUp {
        let finals = (1..=6).map(|seq| notice(audience, seq, PART)).collect();
        CatchUp { finals, ..CatchUp::default() }
    }

    #[tokio::test]
    async fn two_snapshots_that_come_together_may_wait_together() {
        let gateway = gateway(|limits| limits.queue_bytes = 2 * PART);
        let polls = session(gateway.shared(), Dialect::Engine4, Transport::Polling);
        let (here, there) = (room("here"), room("there"));
        let seat = seat(&polls, &here);
        for audience in [&here, &there] {
            seat.inflow.lock().caught(audience, six_parts_of(audience));
        }
        seat.go_live();
        assert_eq!(polls.departure(), None);
        assert!(polls.queued_bytes() > 12 * PART);
    }

    #[tokio::test]
    async fn a_snapshot_may_wait_behind_another() {
        let gateway = gateway(|limits| limits.queue_bytes = 4 * PART);
        let polls = session(gateway.shared(), Dialect::Engine4, Transport::Polling);
        let (here, there) = (room("here"), room("there"));
        let seat = seat(&polls, &here);
        seat.go_live();
        for audience in [&here, &there] {
            seat.inflow.lock().begin(audience);
            let replay = Replay { seat: &seat, audience, missed: None };
            seat.inflow.lock().caught(audience, six_parts_of(audience));
            drop(replay);
        }
        assert_eq!(polls.departure(), None);
        assert!(polls.queued_bytes() > 12 * PART);
    }

    #[tokio::test]
    async fn snapshots_that_nobody_takes_have_an_end() {
        let gateway = gateway(|limits| limits.queue_bytes = 2 * PART);
        let polls = session(gateway.shared(), Dialect::Engine4, Transport::Polling);
        let here = room("here");
        let seat = seat(&polls, &here);
        seat.go_live();
        for _ in 0..100 {
            seat.inflow.lock().begin(&here);
            let replay = Replay { seat: &seat, audience: &here, missed: None };
            seat.inflow.lock().caught(&here, six_parts_of(&here));
            drop(replay);
        }
        assert_eq!(polls.departure(), Some(Departure::Slow));
    }
}
