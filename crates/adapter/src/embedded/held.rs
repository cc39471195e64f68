//! The seats that are held, under one lock.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    error::SeatError,
    held_seats::{HeldSeat, Hold, Holder, SeatKey},
    limits::SEATS_HELD_MAX,
};

#[derive(Debug, Default)]
pub(crate) struct HeldList(Mutex<HashMap<SeatKey, Entry>>);

#[derive(Debug)]
struct Entry {
    holder: Holder,
    seat: HeldSeat,
    ends: Instant,
}

impl HeldList {
    pub(crate) fn keep(
        &self,
        key: &SeatKey,
        holder: &Holder,
        seat: &HeldSeat,
        held: Duration,
    ) -> Result<Hold, SeatError> {
        let (mut seats, now) = (self.0.lock(), Instant::now());
        match seats.get(key) {
            Some(entry) if entry.ends > now && entry.holder != *holder => return Ok(Hold::Taken),
            None if seats.len() >= SEATS_HELD_MAX => {
                return Err(SeatError::Full { len_max: SEATS_HELD_MAX });
            }
            _ => {}
        }
        let entry = Entry { holder: holder.clone(), seat: seat.clone(), ends: now + held };
        seats.insert(key.clone(), entry);
        Ok(Hold::Held)
    }

    pub(crate) fn find(&self, key: &SeatKey) -> Option<(Holder, HeldSeat)> {
        let (seats, now) = (self.0.lock(), Instant::now());
        let entry = seats.get(key).filter(|entry| entry.ends > now)?;
        Some((entry.holder.clone(), entry.seat.clone()))
    }

    pub(crate) fn take(&self, key: &SeatKey, from: &Holder, to: &Holder, held: Duration) -> Hold {
        self.change(key, from, |entry| {
            entry.holder = to.clone();
            entry.ends = Instant::now() + held;
        })
    }

    pub(crate) fn renew(&self, key: &SeatKey, holder: &Holder, held: Duration) -> Hold {
        self.change(key, holder, |entry| entry.ends = Instant::now() + held)
    }

    pub(crate) fn give_up(&self, key: &SeatKey, holder: &Holder) -> Hold {
        self.change(key, holder, |entry| entry.ends = Instant::now())
    }

    fn change(&self, key: &SeatKey, holder: &Holder, change: impl FnOnce(&mut Entry)) -> Hold {
        let (mut seats, now) = (self.0.lock(), Instant::now());
        match seats.get_mut(key).filter(|entry| entry.ends > now) {
            None => Hold::Unknown,
            Some(entry) if entry.holder != *holder => Hold::Taken,
            Some(entry) => {
                change(entry);
                Hold::Held
            }
        }
    }

    /// Gives back the memory of what is held no more.
    pub(super) fn sweep(&self) {
        let (mut seats, now) = (self.0.lock(), Instant::now());
        seats.retain(|_, entry| entry.ends > now);
        if seats.len() < seats.capacity() / 4 {
            seats.shrink_to_fit();
        }
    }
}
