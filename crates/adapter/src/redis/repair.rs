//! Reads one audience from the store again, and hands on what was not heard of it.
//!
//! Two repairs of one audience never run at once, and no message of it is handed on meanwhile: whoever
//! calls sees to that.

use std::{collections::BTreeMap, slice, sync::Arc, time::Duration};

use notice::{Audience, Epoch, Position};
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep},
};

use crate::{
    error::BusError,
    inbox::Arrival,
    redis::{
        bus::Bus,
        ears::Ears,
        events::{Cause, irreparable},
        finals::Finals,
        mark::Mark,
        suspicion::Why,
    },
    store::{CatchUp, Gap, Since},
};

const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// How long another process may have held the store before we noticed.
const DOUBTFUL: Duration = Duration::from_mins(2);
/// How long an answer older than what was seen elsewhere is not believed.
const STALE: Duration = Duration::from_secs(20);
/// Questions to the store at once.
const TURNS: usize = 64;

/// One node's repairs.
pub(super) struct Repair {
    bus: Arc<Bus>,
    ears: Arc<Ears>,
    inbox: mpsc::Sender<Arrival>,
    turns: Semaphore,
    finals: Mutex<Finals>,
}

/// The inbox is gone: nobody hears any more.
pub(super) struct Gone;

impl Repair {
    pub(super) fn new(bus: Arc<Bus>, ears: Arc<Ears>, inbox: mpsc::Sender<Arrival>) -> Self {
        Self { bus, ears, inbox, turns: Semaphore::new(TURNS), finals: Mutex::default() }
    }

    pub(super) async fn run(&self, audience: &Audience, why: Why) -> Result<(), Gone> {
        match why {
            Why::Unsure => match self.ears.verdict(audience).await {
                Some(why) => Box::pin(self.run(audience, why)).await,
                None => Ok(()),
            },
            Why::Hole(epoch) => self.repair(audience, &epoch, None, Cause::Hole).await,
            Why::Behind(newest) if !self.ears.is_behind(audience, &newest) => Ok(()),
            Why::Behind(newest) => {
                self.repair(audience, &newest.epoch, Some(&newest), Cause::Behind).await
            }
            Why::Lost => self.renumber(audience, None, Cause::Lost).await,
            Why::TakenOver(newest) => {
                self.renumber(audience, Some(&newest), Cause::TakenOver).await
            }
            Why::Emptied(heard) => self.own_up(audience, &heard).await,
        }
    }

    pub(super) async fn hand_on(&self, arrival: Arrival) -> Result<(), Gone> {
        let notices = match &arrival {
            Arrival::Notice(notice) => slice::from_ref(notice),
            Arrival::Renumbered { notices, .. } => notices,
            Arrival::Gap(_) | Arrival::PutOut { .. } => &[],
        };
        for notice in notices {
            self.finals.lock().note(notice, Instant::now(), DOUBTFUL);
        }
        self.inbox.send(arrival).await.map_err(|_| Gone)
    }

    /// The store may have lost what we heard, and given its numbers to others, which we would take for
    /// what we know. It counts on behind what was heard, and the latest finals are handed on again.
    async fn renumber(
        &self,
        audience: &Audience,
        seen: Option<&Position>,
        cause: Cause,
    ) -> Result<(), Gone> {
        let Some(heard) = self.ears.heard(slice::from_ref(audience)).pop().flatten() else {
            // Of an audience of which nothing was heard, all that is kept is news.
            let Some(kept) = self.catch_up(audience, Since::Window(DOUBTFUL), seen).await else {
                return Ok(());
            };
            let Some(newest) = kept.position else { return Ok(()) };
            self.hand_on(Arrival::Renumbered { audience: audience.clone(), notices: Vec::new() })
                .await?;
            return Box::pin(self.repair(audience, &newest.epoch, seen, cause)).await;
        };
        if self.count_on(audience, &heard).await != Some(true) {
            return self.repair(audience, &heard.epoch, seen, cause).await;
        }
        let (since, window) = (Since::Position(&heard), Since::Window(DOUBTFUL));
        let Some(after) = self.catch_up(audience, since, seen).await else {
            return Ok(());
        };
        let Some(again) = self.catch_up(audience, window, seen).await else {
            return Ok(());
        };
        let Some(newest) = again.position else { return Ok(()) };
        self.bus.events.repaired(cause);
        if let (Cause::Lost, Some(gap)) = (cause, after.gap) {
            self.hand_on(Arrival::Gap(Arc::new(gap))).await?;
        }
        let mut notices = BTreeMap::new();
        let mut live = again.live;
        // The store may have lost an end that was heard.
        live.retain(|notice| !self.finals.lock().are_before(notice));
        let all = after.finals.into_iter().chain(live).chain(again.finals);
        notices.extend(all.map(|notice| (notice.position.seq, notice)));
        self.ears.mark(audience, |mark| mark.fill(newest));
        let notices = notices.into_values().collect();
        self.hand_on(Arrival::Renumbered { audience: audience.clone(), notices }).await
    }

    /// The store came back empty: what it took after `heard` and before it went may be gone.
    async fn own_up(&self, audience: &Audience, heard: &Position) -> Result<(), Gone> {
        if self.ears.since(audience, &heard.epoch).is_some_and(|since| since == *heard) {
            return self.repair(audience, &heard.epoch, None, Cause::TakenOver).await;
        }
        // We hear its new life already, and only the end of the old one is still to be told.
        let Some(caught) = self.catch_up(audience, Since::Position(heard), None).await else {
            return Ok(());
        };
        self.bus.events.repaired(Cause::TakenOver);
        self.tell(caught.gap).await
    }

    async fn tell(&self, gap: Option<Gap>) -> Result<(), Gone> {
        match gap {
            Some(gap) => self.hand_on(Arrival::Gap(Arc::new(gap))).await,
            None => Ok(()),
        }
    }

    /// Hands on, in order, what the store keeps of all that was not heard.
    async fn repair(
        &self,
        audience: &Audience,
        epoch: &Epoch,
        seen: Option<&Position>,
        cause: Cause,
    ) -> Result<(), Gone> {
        let Some(since) = self.ears.since(audience, epoch) else { return Ok(()) };
        let Some(caught) = self.catch_up(audience, Since::Position(&since), seen).await else {
            return Ok(());
        };
        let Some(newest) = caught.position else {
            if since.seq == 0 {
                return Ok(());
            }
            self.bus.events.repaired(cause);
            self.ears.mark(audience, Mark::forget);
            return self.tell(caught.gap).await;
        };
        if newest.epoch == since.epoch && newest.seq < since.seq {
            // Boxed, because each may call the other; once, for the store is ahead then.
            return Box::pin(self.renumber(audience, seen, Cause::Lost)).await;
        }
        if newest == since {
            return Ok(());
        }
        self.bus.events.repaired(cause);
        self.tell(caught.gap).await?;
        let mut missed: Vec<_> = caught.live.into_iter().chain(caught.finals).collect();
        missed.retain(|notice| newest.epoch != since.epoch || notice.position.seq > since.seq);
        missed.sort_unstable_by_key(|notice| notice.position.seq);
        self.ears.mark(audience, |mark| mark.fill(newest));
        for notice in missed {
            self.hand_on(Arrival::Notice(notice)).await?;
        }
        Ok(())
    }

    /// `None` if Redis will never answer this. An answer from before what was seen by the connection that
    /// hears comes from another server, which is not the primary any more, or does not know it yet.
    async fn catch_up(
        &self,
        audience: &Audience,
        since: Since<'_>,
        seen: Option<&Position>,
    ) -> Option<CatchUp> {
        let (mut patience, asked) = (Patience::default(), Instant::now());
        loop {
            let turn = self.turns.acquire().await.expect("it is never closed");
            let answer = self.bus.all_after(audience, since).await;
            drop(turn);
            match answer {
                Ok(caught) if !is_stale(&caught, seen) || asked.elapsed() > STALE => {
                    return Some(caught);
                }
                Ok(_) => patience.wait().await,
                Err(error) => patience.bear(error).await?,
            }
        }
    }

    /// `None` as above; `Some(false)`: it is not counted, or in another life.
    async fn count_on(&self, audience: &Audience, heard: &Position) -> Option<bool> {
        let mut patience = Patience::default();
        loop {
            let turn = self.turns.acquire().await.expect("it is never closed");
            let answer = self.bus.renumber(audience, heard).await;
            drop(turn);
            match answer {
                Ok(is_same_life) => return Some(is_same_life),
                Err(error) => patience.bear(error).await?,
            }
        }
    }
}

fn is_stale(caught: &CatchUp, seen: Option<&Position>) -> bool {
    let reaches = |seen: &Position| {
        let position = caught.position.as_ref();
        position.is_some_and(|at| at.epoch == seen.epoch && at.seq >= seen.seq)
    };
    seen.is_some_and(|seen| !reaches(seen))
}

/// Waits for Redis if it is away: what comes after must not be handed on before.
#[derive(Default)]
struct Patience {
    waited: Duration,
}

impl Patience {
    /// `None` if waiting will not help.
    async fn bear(&mut self, error: BusError) -> Option<()> {
        if !error.is_transient() {
            irreparable(&error);
            return None;
        }
        self.wait().await;
        Some(())
    }

    async fn wait(&mut self) {
        self.waited = (self.waited * 2).clamp(RETRY_MIN, RETRY_MAX);
        sleep(self.waited.mul_f64(rand::random_range(0.5..1.5))).await;
    }
}
