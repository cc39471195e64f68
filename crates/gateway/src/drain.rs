//! A node's way out: it says that it goes, turns newcomers away, and lets its sockets go at a pace that the
//! others can take.
//!
//! Stock clients come back about a second after they were cut, all of them, so the pace is the only
//! protection that the other nodes have. What leaves first is left to chance: neighbours in a list often
//! belong together.
//!
//! May not enter: how a session takes its leave, which is the engine's.

mod age;
mod pace;
mod room;
mod wishes;

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rand::seq::SliceRandom as _;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    age::let_the_old_go,
    wishes::{Wish, Wishes, begin, carry_out},
};
use self::{
    pace::{Pace, TURN},
    room::Room,
};
use crate::{departure::Departure, engine::Session, events::still_leaving, shared::Shared};

/// What those who are told last have to go, out of what there is for all.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Within this time stock clients have come back: half a second to one and a half after they were cut, and the
/// way to their place.
const COMING_BACK: Duration = Duration::from_millis(1_750);

/// How often the log says how many are left.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Whether a node goes, and until when.
#[derive(Debug)]
pub(crate) struct Drain {
    is_leaving: AtomicBool,
    /// When everybody must be gone, once that is known.
    until: Mutex<Option<Instant>>,
    /// Told when there is no time left for a pace.
    hurry: CancellationToken,
    wishes: mpsc::Sender<Wish>,
}

impl Drain {
    pub(crate) fn open() -> (Self, Wishes) {
        let (wishes, waiting) = Wishes::open();
        let (is_leaving, until) = (AtomicBool::new(false), Mutex::default());
        (Self { is_leaving, until, hurry: CancellationToken::new(), wishes }, waiting)
    }

    /// Whether newcomers had better go elsewhere.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Acquire)
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        *self.until.lock()
    }

    pub(crate) fn hurry(&self) {
        self.hurry.cancel();
    }
}

/// Lets everybody know that this node goes, and that its sockets are gone `until` then. Newcomers are still
/// let in.
pub(crate) fn withdraw(shared: &Shared, until: Instant) {
    *shared.drain.until.lock() = Some(until);
    if !shared.drain.is_leaving.swap(true, Ordering::AcqRel) {
        shared.events.leaving(shared.sessions.len());
    }
}

/// Lets all sockets go, so that the last has gone `until` then. Who is told late goes with less of a pace.
pub(crate) async fn empty(shared: &Shared, until: Instant) {
    let span = until.saturating_duration_since(Instant::now());
    let last_words = LAST_WORDS.min(span / 5);
    let pace = Pace::new(until - last_words);
    let has_sockets = shared.sessions.len() > 0;
    let_go(shared, usize::MAX, pace, Departure::Drain).await;
    while shared.sessions.len() + shared.forwarding.carried.len() > 0 && Instant::now() < until {
        tokio::time::sleep(TURN).await;
    }
    shared.events.emptied(shared.sessions.len());
    if has_sockets {
        see_the_last_back(shared, until).await;
    }
}

/// Stays until those who went last had the time to come back to another node: whoever waits for this one's end
/// before the next goes finds them all there.
async fn see_the_last_back(shared: &Shared, until: Instant) {
    let back = until.min(Instant::now() + COMING_BACK);
    if room::others(shared).await.is_none_or(|others| others.is_empty()) {
        return;
    }
    tokio::select! {
        biased;
        () = shared.drain.hurry.cancelled() => {}
        () = tokio::time::sleep_until(back) => {}
    }
}

/// Lets so many sockets go at a pace. When the node itself goes meanwhile, the rest is left to that.
async fn let_go(shared: &Shared, sockets_max: usize, pace: Pace, departure: Departure) {
    let mut sockets = by_chance(shared, sockets_max, departure);
    let goes_for_good = departure == Departure::Drain;
    let (mut room, mut told) = (Room::default(), Instant::now());
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !sockets.is_empty() && (goes_for_good || !shared.drain.is_leaving()) {
        tokio::select! {
            biased;
            () = shared.drain.hurry.cancelled() => return tell(&mut sockets, usize::MAX, departure),
            _ = turns.tick() => {}
        }
        let now = Instant::now();
        room.look(shared, now).await;
        let due = pace.due(sockets.len(), now, room.left());
        room.take(due);
        tell(&mut sockets, due, departure);
        shared.events.left(sockets.len());
        if now >= told + TOLD_EVERY {
            told = now;
            still_leaving(departure, sockets.len());
        }
    }
}

/// This node's sockets, and those that only go through it where the node itself goes.
fn by_chance(shared: &Shared, len_max: usize, departure: Departure) -> Vec<Leaver> {
    let sessions = shared.sessions.all();
    let mut all: Vec<_> = sessions.iter().map(Arc::downgrade).map(Leaver::Session).collect();
    if departure == Departure::Drain {
        all.extend(shared.forwarding.carried.all().into_iter().map(Leaver::Carried));
    }
    all.shuffle(&mut rand::rng());
    all.truncate(len_max);
    all
}

/// Tells so many of them to go. Those that have gone by themselves do not count.
fn tell(leavers: &mut Vec<Leaver>, len: usize, departure: Departure) {
    let mut told = 0;
    while told < len
        && let Some(leaver) = leavers.pop()
    {
        told += usize::from(leaver.go(departure));
    }
}

/// One that is to leave.
#[derive(Debug)]
enum Leaver {
    Session(Weak<Session>),
    /// A WebSocket of another node's. It is cut without a word: only its own node could say one.
    Carried(CancellationToken),
}

impl Leaver {
    /// `false`: it has gone already.
    fn go(self, departure: Departure) -> bool {
        match self {
            Self::Session(session) => {
                let here = session.upgrade().filter(|session| session.departure().is_none());
                here.map(|session| session.leave(departure)).is_some()
            }
            Self::Carried(go) => {
                go.cancel();
                true
            }
        }
    }
}
