//! What is revoked in the whole cluster: read from the bus, remembered by the gate, and whoever sits here by it
//! put out.
//!
//! The bus has the only list. A node reads what is new in it when another says so, and once a second; all of it at
//! its start, after every trouble, and once a minute: a list that has lost something then gets it back from those
//! who know.
//!
//! Promise: nobody is let in before the list was read once.

mod events;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adapter::{Mark, Request, RevocationError};
use notice::{Audience, Revocation, Revoked, Scope};
use prometheus::Registry;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::events::Events;
use crate::{
    departure::Departure,
    orders::Giver,
    questions::{Answer, Done},
    seat::Seat,
    shared::Shared,
};

/// How often the list is asked for what is new.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often all of it is read.
const WHOLE_EVERY: Duration = Duration::from_mins(1);
/// What runs out so soon may have run out there, and is not missed.
const NEARLY_OVER: Duration = Duration::from_secs(10);
/// Those who wait for the next look. One more is told that the node is busy.
const LOOKERS_MAX: usize = 64;
/// After how many sessions a walk over all lets others run.
const PART_LEN: usize = 512;

#[derive(Debug)]
pub(crate) struct Revocations {
    list: adapter::Revocations,
    lookers: mpsc::Sender<Giver>,
    /// The list was read once.
    known: CancellationToken,
    /// The last reading came to nothing.
    behind: Arc<AtomicBool>,
}

/// The one that reads.
#[derive(Debug)]
pub(crate) struct Keeper {
    lookers: mpsc::Receiver<Giver>,
    mark: Mark,
    /// When all is to be read again.
    whole_at: Instant,
    /// What was learned and nobody was put out for yet.
    fresh: Vec<Revoked>,
    events: Events,
}

impl Revocations {
    pub(crate) fn open(
        list: adapter::Revocations,
        registry: &Registry,
    ) -> Result<(Self, Keeper), prometheus::Error> {
        let (sender, lookers) = mpsc::channel(LOOKERS_MAX);
        let events = Events::new(registry)?;
        let (whole_at, fresh) = (Instant::now(), Vec::new());
        let keeper = Keeper { lookers, mark: Mark::default(), whole_at, fresh, events };
        let (known, behind) = (CancellationToken::new(), Arc::default());
        Ok((Self { list, lookers: sender, known, behind }, keeper))
    }

    /// Waits until the list was read once.
    pub(crate) async fn known(&self) {
        self.known.cancelled().await;
    }

    /// Whether this node may not know of what was revoked lately.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Puts a revocation on the list. This node heeds it at its next look.
    pub(crate) async fn add(
        &self,
        revocation: &Revocation,
        keep: Duration,
    ) -> Result<(), RevocationError> {
        self.list.add(revocation, keep).await
    }

    /// Has the list read, and says how many seats were put out for what was new in it.
    pub(crate) async fn look(&self) -> Answer {
        let (sender, answer) = oneshot::channel();
        self.give(Giver::Api(sender)).await;
        // Forgotten in the queue, because the node stops.
        answer.await.unwrap_or(Answer::Busy)
    }

    /// The same for another node, which is answered in its turn.
    pub(crate) async fn look_for(&self, request: Request) {
        self.give(Giver::Node(request)).await;
    }

    async fn give(&self, giver: Giver) {
        match self.lookers.try_send(giver) {
            Ok(()) => {}
            Err(TrySendError::Full(giver) | TrySendError::Closed(giver)) => {
                giver.answer(Answer::Busy).await;
            }
        }
    }
}

impl Keeper {
    /// Reads until `stop`. Where nobody asks who clients are there is nothing to revoke.
    pub(crate) async fn run(mut self, shared: &Shared, stop: CancellationToken) {
        let mut lookers: Vec<Giver> = Vec::new();
        loop {
            let put_out = self.look(shared).await;
            for looker in lookers.drain(..) {
                let done = put_out.map(|sockets| Done { sockets, full: 0 });
                looker.answer(done.map_or(Answer::Unable, Answer::Done)).await;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = self.lookers.recv_many(&mut lookers, LOOKERS_MAX) => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// How many were put out for what is new; `None` where that may not be all.
    async fn look(&mut self, shared: &Shared) -> Option<usize> {
        let revocations = &shared.revocations;
        let read = if shared.gate.is_open() { Ok(()) } else { self.read(shared).await };
        revocations.behind.store(read.is_err(), Ordering::Relaxed);
        let sockets = self.put_out(shared).await;
        match read {
            Ok(()) => {
                revocations.known.cancel();
                Some(sockets)
            }
            Err(error) => {
                self.events.unread(&error);
                // What was missed may be anywhere in it.
                self.whole_at = Instant::now();
                None
            }
        }
    }

    async fn read(&mut self, shared: &Shared) -> Result<(), RevocationError> {
        if self.whole_at > Instant::now() {
            let mark = self.mark;
            self.read_on(shared, &mut HashSet::new()).await?;
            if self.mark >= mark {
                return Ok(());
            }
            // The list ends before where it was read to.
        }
        self.mark = Mark::default();
        let mut seen = HashSet::new();
        self.read_on(shared, &mut seen).await?;
        self.hand_back(shared, &seen).await?;
        self.whole_at = Instant::now() + WHOLE_EVERY;
        Ok(())
    }

    /// Reads from the mark to the end of the list.
    async fn read_on(
        &mut self,
        shared: &Shared,
        seen: &mut HashSet<Revoked>,
    ) -> Result<(), RevocationError> {
        loop {
            let news = shared.revocations.list.since(self.mark).await?;
            seen.extend(news.revocations.iter().map(|it| it.revocation.whom.clone()));
            let learned = news.revocations.into_iter();
            let learned = learned.filter(|it| shared.gate.revoke(&it.revocation, it.left));
            self.fresh.extend(learned.map(|it| it.revocation.whom));
            self.mark = news.mark;
            if !news.more {
                return Ok(());
            }
        }
    }

    /// What is known here and no more to the list, it has lost.
    async fn hand_back(
        &self,
        shared: &Shared,
        seen: &HashSet<Revoked>,
    ) -> Result<(), RevocationError> {
        let known = shared.gate.revoked();
        self.events.in_force(known.len());
        for (revocation, left) in known {
            if left > NEARLY_OVER && !seen.contains(&revocation.whom) {
                shared.revocations.list.add(&revocation, left).await?;
                self.events.handed_back();
            }
        }
        Ok(())
    }

    /// Puts out whoever sits here by what is revoked.
    async fn put_out(&mut self, shared: &Shared) -> usize {
        let fresh = std::mem::take(&mut self.fresh);
        if fresh.is_empty() {
            return 0;
        }
        self.events.learned(fresh.len());
        let users: Option<Vec<_>> = fresh.iter().map(scope).collect();
        match users {
            Some(users) => put_out_users(shared, &users),
            None => put_out_all(shared).await,
        }
    }
}

/// Where to look for those whom it is about, if not everywhere.
fn scope(whom: &Revoked) -> Option<Scope> {
    match whom {
        Revoked::User(user) => Some(Scope::User(user.clone())),
        Revoked::Everyone | Revoked::Token(_) => None,
    }
}

fn put_out_users(shared: &Shared, users: &[Scope]) -> usize {
    let mut count = 0;
    for namespace in &shared.config.namespaces {
        for user in users {
            let audience = Audience { namespace: namespace.clone(), scope: user.clone() };
            let members = shared.hub.members(&audience).unwrap_or_default();
            count += members.iter().filter(|seat| put_one_out(shared, seat)).count();
        }
    }
    count
}

async fn put_out_all(shared: &Shared) -> usize {
    let mut count = 0;
    for (at, session) in shared.sessions.all().into_iter().enumerate() {
        if at % PART_LEN == PART_LEN - 1 {
            tokio::task::yield_now().await;
        }
        let seats = session.seats.all();
        count += seats.iter().filter(|seat| put_one_out(shared, seat)).count();
    }
    count
}

/// Whether the seat was one to be put out.
fn put_one_out(shared: &Shared, seat: &Seat) -> bool {
    let is_revoked = seat.pass.is_revoked(&shared.gate);
    if is_revoked {
        seat.put_out(Departure::Revoked, None);
    }
    is_revoked
}
