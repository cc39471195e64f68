//! Who has been asked and has not answered yet: one list for all questions of this node, so that a
//! socket that is never asked holds nothing.
//!
//! Locks: the list's lock is held for a few lines, and nothing else is taken under it.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use notice::{PAYLOAD_BYTES_MAX, SocketId, is_too_deep};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::{sync::mpsc, time::Instant};

use super::report::Refused;
use crate::{
    events::{Asking, Events},
    seat::Seat,
};

/// Sockets of one node that one question is put to; past it the node asks none.
pub(crate) const ASKED_MAX: usize = 1000;
/// Questions that one socket may have open; past it a further one counts as not answered.
const OPEN_PER_SEAT_MAX: u16 = 32;
/// Answers that one node may wait for; past it a question is refused as busy.
const WAITING_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Waiters {
    list: Mutex<List>,
    events: Arc<Events>,
}

#[derive(Debug, Default)]
struct List {
    /// The newest question's number, which its acknowledgements carry.
    last: i64,
    open: HashMap<i64, Open>,
    waiting: usize,
}

#[derive(Debug)]
struct Open {
    /// By their addresses, which stay theirs while the list holds them.
    seats: HashMap<usize, Arc<Seat>>,
    /// Has room for a word of each.
    said: mpsc::Sender<Said>,
    since: Instant,
}

/// What became of one socket's question.
#[derive(Debug)]
pub(crate) enum Said {
    Answer { socket: SocketId, data: Box<RawValue> },
    Nothing,
}

/// One open question. Dropped, it waits no more.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) number: i64,
    pub(crate) said: mpsc::Receiver<Said>,
    waiters: Arc<Waiters>,
}

impl Waiters {
    pub(crate) fn new(events: &Arc<Events>) -> Arc<Self> {
        Arc::new(Self { list: Mutex::default(), events: Arc::clone(events) })
    }

    /// Opens a question to `seats`. Those with too many open already say nothing at once.
    pub(crate) fn open(self: &Arc<Self>, seats: &[Arc<Seat>]) -> Result<Asked, Refused> {
        let (tell, said) = mpsc::channel(seats.len().max(1));
        let mut list = self.list.lock();
        if list.waiting + seats.len() > WAITING_MAX {
            self.events.asked(Asking::Busy, seats.len());
            return Err(Refused::Busy);
        }
        list.last += 1;
        let number = list.last;
        let waiting = HashMap::with_capacity(seats.len());
        let mut open = Open { seats: waiting, said: tell, since: Instant::now() };
        for seat in seats {
            if seat.open_questions.load(Ordering::Relaxed) >= OPEN_PER_SEAT_MAX {
                self.nothing(&open, Asking::Busy);
                continue;
            }
            seat.open_questions.fetch_add(1, Ordering::Relaxed);
            open.seats.insert(Arc::as_ptr(seat).addr(), Arc::clone(seat));
        }
        list.waiting += open.seats.len();
        list.open.insert(number, open);
        Ok(Asked { number, said, waiters: Arc::clone(self) })
    }

    /// Takes a seat's answer to a question. `false`: nobody waits for it, or no more.
    pub(crate) fn answer(&self, seat: &Arc<Seat>, number: i64, data: Box<RawValue>) -> bool {
        let mut list = self.list.lock();
        let Some(open) = list.take(seat, number) else { return false };
        if data.get().len() > PAYLOAD_BYTES_MAX || is_too_deep(data.get()) {
            self.nothing(open, Asking::TooLarge);
            return true;
        }
        self.events.asked(Asking::Answered, 1);
        self.events.answered_since(open.since);
        let said = Said::Answer { socket: seat.id.clone(), data };
        open.said.try_send(said).is_ok()
    }

    /// Notes that a seat cannot answer a question.
    pub(crate) fn unable(&self, seat: &Arc<Seat>, number: i64) {
        if let Some(open) = self.list.lock().take(seat, number) {
            self.nothing(open, Asking::Unable);
        }
    }

    /// Notes that a seat has been given up: it answers nothing any more.
    pub(crate) fn gone(&self, seat: &Arc<Seat>) {
        if seat.open_questions.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut list = self.list.lock();
        let numbers: Vec<i64> = list.open.keys().copied().collect();
        for number in numbers {
            if let Some(open) = list.take(seat, number) {
                self.nothing(open, Asking::Gone);
            }
        }
    }

    fn nothing(&self, open: &Open, why: Asking) {
        self.events.asked(why, 1);
        // The asker may have gone; then nobody wants to know.
        drop(open.said.try_send(Said::Nothing));
    }

    fn close(&self, number: i64) {
        let mut list = self.list.lock();
        let Some(open) = list.open.remove(&number) else { return };
        list.waiting -= open.seats.len();
        self.events.asked(Asking::Timeout, open.seats.len());
        for seat in open.seats.values() {
            seat.open_questions.fetch_sub(1, Ordering::Relaxed);
        }
        // The last reference to a session may be among these.
        drop(list);
        drop(open);
    }
}

impl List {
    /// Takes a seat off a question that waits for it.
    fn take(&mut self, seat: &Arc<Seat>, number: i64) -> Option<&Open> {
        let open = self.open.get_mut(&number)?;
        open.seats.remove(&Arc::as_ptr(seat).addr())?;
        seat.open_questions.fetch_sub(1, Ordering::Relaxed);
        self.waiting -= 1;
        Some(open)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.waiters.close(self.number);
    }
}
