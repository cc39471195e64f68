//! The members that one node holds in rooms, and until when each is sure to be held.
//!
//! May not enter: anything that waits. Every login has a ticket, a number that rises; what the store says
//! of a ticket concerns that login alone, however late it comes.

use std::collections::HashMap;

use notice::{Audience, SocketId};
use parking_lot::Mutex;
use tokio::time::Instant;

pub(super) type Ticket = u64;

/// The lock is held for a few lines, and never together with another.
#[derive(Debug)]
pub(crate) struct Held {
    state: Mutex<State>,
    rooms_max: usize,
}

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<Audience, HashMap<SocketId, Hold>>,
    last_ticket: Ticket,
    /// Nothing runs out before this; `None`: nothing does.
    runs_out_at: Option<Instant>,
}

/// One member in one room: in, on the way in, or both.
#[derive(Debug, Default)]
struct Hold {
    stand: Option<Stand>,
    attempt: Option<Attempt>,
    /// What the store knows its resume key as, or nothing.
    resume: String,
}

/// A login that the store has taken.
#[derive(Clone, Debug)]
pub(super) struct Stand {
    pub(super) ticket: Ticket,
    pub(super) epoch: String,
    pub(super) generation: u64,
    /// No other may be let in before this.
    pub(super) sure_until: Instant,
}

/// A login that the store was asked for.
#[derive(Debug)]
struct Attempt {
    ticket: Ticket,
    /// The store let it in and put it out again before it answered.
    is_out: bool,
}

/// A member whose lease is to be renewed.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) member: SocketId,
    pub(super) stand: Stand,
    pub(super) resume: String,
}

/// A login that is over, or may be: the store is to be told.
#[derive(Clone, Debug)]
pub(super) struct Over {
    pub(super) room: Audience,
    pub(super) member: SocketId,
    pub(super) ticket: Ticket,
}

impl Held {
    pub(super) fn new(rooms_max: usize) -> Self {
        Self { state: Mutex::default(), rooms_max }
    }

    /// Notes a login that is on its way; an error when there are as many rooms as may be.
    pub(super) fn begin(
        &self,
        room: &Audience,
        member: &SocketId,
        resume: &str,
    ) -> Result<Ticket, usize> {
        let State { rooms, last_ticket, .. } = &mut *self.state.lock();
        if rooms.len() >= self.rooms_max && !rooms.contains_key(room) {
            return Err(self.rooms_max);
        }
        *last_ticket += 1;
        let hold = rooms.entry(room.clone()).or_default().entry(member.clone()).or_default();
        hold.attempt = Some(Attempt { ticket: *last_ticket, is_out: false });
        resume.clone_into(&mut hold.resume);
        Ok(*last_ticket)
    }

    /// The store has taken it. `false`: the member has left meanwhile, and the store is to be told.
    pub(super) fn succeed(&self, room: &Audience, member: &SocketId, stand: Stand) -> bool {
        let sure_until = stand.sure_until;
        let is_ours = |hold: &mut Hold| {
            let attempt = hold.attempt.take_if(|attempt| attempt.ticket == stand.ticket)?;
            hold.stand = Some(stand).filter(|_| !attempt.is_out);
            Some(())
        };
        let is_ours = self.change(room, member, is_ours).is_some();
        let runs_out_at = &mut self.state.lock().runs_out_at;
        *runs_out_at = Some(runs_out_at.map_or(sure_until, |at| at.min(sure_until)));
        is_ours
    }

    /// The store has not taken it: what was before stays.
    pub(super) fn refuse(&self, room: &Audience, member: &SocketId, ticket: Ticket) {
        self.change(room, member, |hold| hold.attempt.take_if(|attempt| attempt.ticket == ticket));
    }

    /// Whether the store has taken it is not known. `true`: the member is not in otherwise, and the store is
    /// to be told so.
    pub(super) fn doubt(&self, room: &Audience, member: &SocketId, ticket: Ticket) -> bool {
        let is_in = |hold: &mut Hold| {
            hold.attempt.take_if(|attempt| attempt.ticket == ticket)?;
            // The store may know it by either ticket, and takes the higher for the lower.
            hold.stand.as_mut().map(|stand| stand.ticket = ticket)
        };
        self.change(room, member, is_in).is_none()
    }

    /// Somebody put the login of this ticket out. Whether it was one of ours.
    pub(super) fn put_out(&self, room: &Audience, member: &SocketId, ticket: Ticket) -> bool {
        let is_ours = |hold: &mut Hold| {
            let attempt = hold.attempt.as_mut().filter(|attempt| attempt.ticket == ticket);
            let is_attempt = attempt.map(|attempt| attempt.is_out = true).is_some();
            let stand = hold.stand.take_if(|stand| is_attempt || stand.ticket == ticket);
            (is_attempt || stand.is_some()).then_some(())
        };
        self.change(room, member, is_ours).is_some()
    }

    /// Ends all logins of a member. The last one's ticket, if there was one.
    pub(super) fn leave(&self, room: &Audience, member: &SocketId) -> Option<Over> {
        let last = |hold: &mut Hold| {
            let stand = hold.stand.take().map(|stand| stand.ticket);
            hold.attempt.take().map(|attempt| attempt.ticket).max(stand)
        };
        let ticket = self.change(room, member, last)?;
        Some(Over { room: room.clone(), member: member.clone(), ticket })
    }

    pub(crate) fn holds(&self, room: &Audience, member: &SocketId) -> bool {
        let state = self.state.lock();
        let hold = state.rooms.get(room).and_then(|members| members.get(member));
        hold.is_some_and(|hold| hold.stand.is_some())
    }

    /// Everybody who is in, by room.
    pub(super) fn due(&self) -> Vec<(Audience, Vec<Due>)> {
        let state = self.state.lock();
        let due = |(member, hold): (&SocketId, &Hold)| {
            let (stand, resume) = (hold.stand.clone()?, hold.resume.clone());
            Some(Due { member: member.clone(), stand, resume })
        };
        let rooms = state.rooms.iter();
        rooms
            .map(|(room, members)| (room.clone(), members.iter().filter_map(due).collect()))
            .collect()
    }

    /// The store has renewed the login of this ticket.
    pub(super) fn renew(&self, room: &Audience, member: &SocketId, renewed: Stand) {
        self.change(room, member, |hold| {
            hold.stand.as_mut().filter(|stand| stand.ticket == renewed.ticket).map(|stand| {
                let sure_until = stand.sure_until.max(renewed.sure_until);
                *stand = Stand { sure_until, ..renewed };
            })
        });
    }

    /// Ends the logins that are not sure to be held any more. Walks over all only when one may be.
    pub(super) fn expire(&self, now: Instant) -> Vec<Over> {
        let State { rooms, runs_out_at, .. } = &mut *self.state.lock();
        if runs_out_at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let mut over = Vec::new();
        let mut next: Option<Instant> = None;
        rooms.retain(|room, members| {
            members.retain(|member, hold| {
                let stand = hold.stand.take_if(|stand| stand.sure_until <= now);
                over.extend(stand.map(|stand| (room.clone(), member.clone(), stand.ticket)));
                let left = hold.stand.as_ref().map(|stand| stand.sure_until);
                next = next.into_iter().chain(left).min();
                !hold.is_empty()
            });
            !members.is_empty()
        });
        *runs_out_at = next;
        over.into_iter().map(|(room, member, ticket)| Over { room, member, ticket }).collect()
    }

    /// Changes one hold, and forgets it if nothing is left of it.
    fn change<T>(
        &self,
        room: &Audience,
        member: &SocketId,
        change: impl FnOnce(&mut Hold) -> Option<T>,
    ) -> Option<T> {
        let State { rooms, .. } = &mut *self.state.lock();
        let members = rooms.get_mut(room)?;
        let hold = members.get_mut(member)?;
        let changed = change(hold);
        if hold.is_empty() {
            members.remove(member);
        }
        if members.is_empty() {
            rooms.remove(room);
        }
        changed
    }
}

impl Hold {
    fn is_empty(&self) -> bool {
        self.stand.is_none() && self.attempt.is_none()
    }
}

#[cfg(test)]
mod tests;
