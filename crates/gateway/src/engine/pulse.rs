//! One timing wheel for all that is periodic about sockets: pings, their deadlines, stalls.
//!
//! A hashed wheel (Varghese and Lauck, 1987): a slot per tick, a session stands in the slot of its
//! next due time. No socket has a timer of its own. A session that has left costs its place in the
//! wheel until that slot comes by.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::session::Session;
use crate::seat::Seat;

#[derive(Debug)]
pub(crate) struct Pulse {
    tick: Duration,
    started: Instant,
    wheel: Mutex<Wheel>,
}

#[derive(Debug)]
struct Wheel {
    slots: Vec<Vec<Beat>>,
    /// The tick that has been served last.
    now: u64,
}

/// Why a session is in the wheel.
#[derive(Debug)]
pub(crate) enum Beat {
    /// Its heart: pings and deadlines, for as long as it lives.
    Heart(Weak<Session>),
    /// Something waits for it: is it still reading?
    Stall(Weak<Session>),
    /// It leaves: its time for that is over.
    Leave(Weak<Session>),
    /// It may not stay for ever.
    Pass(Weak<Seat>),
}

impl Pulse {
    /// A wheel fine enough for the shortest of `periods`, with room for the longest.
    pub(crate) fn new(periods: &[Duration]) -> Self {
        let shortest = periods.iter().min().copied().unwrap_or(Duration::from_secs(1));
        let longest = periods.iter().max().copied().unwrap_or(shortest);
        let tick = (shortest / 50).clamp(Duration::from_millis(5), Duration::from_millis(200));
        let slots = longest.as_millis() / tick.as_millis() + 2;
        let slots = usize::try_from(slots).unwrap_or(usize::MAX).clamp(2, 1 << 16);
        let slots = std::iter::repeat_with(Vec::new).take(slots).collect();
        Self { tick, started: Instant::now(), wheel: Mutex::new(Wheel { slots, now: 0 }) }
    }

    fn ticks(&self, duration: Duration) -> u64 {
        u64::try_from(duration.as_millis() / self.tick.as_millis()).unwrap_or(u64::MAX)
    }

    /// Puts `beat` into the slot that comes by after `delay`, at most one turn of the wheel.
    pub(crate) fn after(&self, delay: Duration, beat: Beat) {
        let ticks = self.ticks(delay) + 1;
        let mut wheel = self.wheel.lock();
        let turn = wheel.slots.len() as u64;
        let slot = (wheel.now + ticks.min(turn - 1)) % turn;
        wheel.slots[usize::try_from(slot).expect("a slot is below the number of slots")].push(beat);
    }

    /// Turns the wheel until `stop`.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.serve_due(),
            }
        }
    }

    fn serve_due(&self) {
        let due_tick = self.ticks(self.started.elapsed());
        while let Some(beats) = self.next_slot(due_tick) {
            for beat in beats {
                self.serve(beat);
            }
        }
    }

    fn next_slot(&self, due_tick: u64) -> Option<Vec<Beat>> {
        let mut wheel = self.wheel.lock();
        if wheel.now >= due_tick {
            return None;
        }
        wheel.now += 1;
        let turn = wheel.slots.len() as u64;
        let slot = usize::try_from(wheel.now % turn).expect("a slot is below the number of slots");
        Some(std::mem::take(&mut wheel.slots[slot]))
    }

    fn serve(&self, beat: Beat) {
        match beat {
            Beat::Heart(session) => {
                let Some(session) = session.upgrade() else { return };
                if let Some(delay) = session.beat() {
                    self.after(delay, Beat::Heart(Arc::downgrade(&session)));
                }
            }
            Beat::Stall(session) => {
                let Some(session) = session.upgrade() else { return };
                if let Some(delay) = session.stalled_for() {
                    self.after(delay, Beat::Stall(Arc::downgrade(&session)));
                }
            }
            Beat::Leave(session) => {
                if let Some(session) = session.upgrade() {
                    session.gone();
                }
            }
            Beat::Pass(seat) => {
                let Some(seat) = seat.upgrade() else { return };
                if let Some(delay) = seat.check_pass() {
                    self.after(delay, Beat::Pass(Arc::downgrade(&seat)));
                }
            }
        }
    }
}
