//! Who is logged in to which room, under one lock. A member counts for as long as its node's inbox lives,
//! so that there is nothing to renew.

use std::{collections::HashMap, sync::Arc};

use notice::{Audience, SocketId};
use parking_lot::Mutex;
use tokio::{
    sync::mpsc::Permit,
    time::{Instant, timeout_at},
};

use crate::{
    config::Config,
    embedded::{
        Ear,
        places::{Place, Places},
    },
    error::LoginError,
    inbox::Arrival,
    logins::{Login, LoginMode, LoginOutcome, Resume},
    metrics::{Metrics, PutOutCause},
};

#[derive(Debug)]
pub(crate) struct Rooms {
    held: Mutex<HashMap<Audience, Room>>,
    places: Places,
    config: Config,
    metrics: Metrics,
}

#[derive(Debug)]
struct Room {
    members: HashMap<SocketId, Member>,
    _place: Place,
}

#[derive(Debug)]
struct Member {
    ear: Arc<Ear>,
    resume: Option<Resume>,
}

/// What came of trying to log in.
enum Attempt {
    Done(Result<LoginOutcome, LoginError>),
    /// This inbox is full, and nothing was done.
    Wait(Arc<Ear>),
}

enum Refusal {
    Occupied,
    Full,
}

impl Rooms {
    pub(super) fn new(config: Config, metrics: Metrics) -> Self {
        let places = Places::new(config.login_rooms_max);
        Self { held: Mutex::default(), places, config, metrics }
    }

    pub(crate) async fn login(
        &self,
        ear: &Arc<Ear>,
        room: &Audience,
        login: Login,
    ) -> Result<LoginOutcome, LoginError> {
        let mode = login.mode;
        let result = self.decide(ear, room, &login).await;
        self.metrics.logged_in(mode, &result);
        result
    }

    /// Tries, and while an inbox is full that must be told waits for room in it and tries again.
    async fn decide(
        &self,
        ear: &Arc<Ear>,
        room: &Audience,
        login: &Login,
    ) -> Result<LoginOutcome, LoginError> {
        let deadline = Instant::now() + self.config.publish_wait;
        let mut turn = None;
        loop {
            let full = match self.attempt(ear, room, login) {
                Attempt::Done(result) => return result,
                Attempt::Wait(ear) => ear,
            };
            drop(turn.take());
            let Ok(next) = timeout_at(deadline, full.turn()).await else {
                return Err(LoginError::Unreachable { room: room.clone() });
            };
            turn = Some(next);
        }
    }

    fn attempt(&self, ear: &Arc<Ear>, audience: &Audience, login: &Login) -> Attempt {
        let Login { member, mode, resume } = login;
        let mut rooms = self.held.lock();
        let full = |what, len_max| {
            Attempt::Done(Err(LoginError::Full { room: audience.clone(), what, len_max }))
        };
        let room = match rooms.get_mut(audience) {
            Some(room) => room,
            None => match self.places.take() {
                Ok(place) => rooms.entry(audience.clone()).or_insert(Room::empty(place)),
                Err(len_max) => return full("rooms", len_max),
            },
        };
        let ghost = room.ghost(member, resume.as_ref());
        let len_max = self.config.room_members_max;
        match room.refusal(member, ghost.as_ref(), *mode, len_max) {
            None => {}
            Some(Refusal::Occupied) => return Attempt::Done(Ok(LoginOutcome::Occupied)),
            Some(Refusal::Full) => return full("members of one room", len_max),
        }
        let leaving = match mode {
            LoginMode::Last => room.others(member),
            LoginMode::First | LoginMode::Whenever => {
                ghost.into_iter().filter(|ghost| room.members.contains_key(ghost)).collect()
            }
        };
        if let Err(ear) = room.put_out(audience, &leaving, &self.metrics) {
            return Attempt::Wait(ear);
        }
        let resume = resume.clone();
        room.members.insert(member.clone(), Member { ear: Arc::clone(ear), resume });
        Attempt::Done(Ok(LoginOutcome::In))
    }

    pub(crate) fn leave(&self, ear: &Arc<Ear>, audience: &Audience, member: &SocketId) {
        let mut rooms = self.held.lock();
        let Some(room) = rooms.get_mut(audience) else { return };
        if room.members.get(member).is_some_and(|held| Arc::ptr_eq(&held.ear, ear)) {
            room.members.remove(member);
        }
        if room.members.is_empty() {
            rooms.remove(audience);
        }
    }

    pub(crate) fn holds(&self, ear: &Arc<Ear>, audience: &Audience, member: &SocketId) -> bool {
        let rooms = self.held.lock();
        let held = rooms.get(audience).and_then(|room| room.members.get(member));
        held.is_some_and(|held| Arc::ptr_eq(&held.ear, ear))
    }

    /// Gives back the memory of members whose node is gone.
    pub(super) fn sweep(&self) {
        self.held.lock().retain(|_, room| {
            room.members.retain(|_, member| !member.ear.is_gone());
            !room.members.is_empty()
        });
    }
}

impl Room {
    fn empty(place: Place) -> Self {
        Self { members: HashMap::new(), _place: place }
    }

    /// Looks at who is really there only if that may be the reason: it is a walk over all.
    fn refusal(
        &mut self,
        member: &SocketId,
        ghost: Option<&SocketId>,
        mode: LoginMode,
        len_max: usize,
    ) -> Option<Refusal> {
        let mut refusal = self.refusal_as_counted(member, ghost, mode, len_max);
        if refusal.is_some() {
            self.members.retain(|_, member| !member.ear.is_gone());
            let ghost = ghost.filter(|ghost| self.members.contains_key(*ghost));
            refusal = self.refusal_as_counted(member, ghost, mode, len_max);
        }
        refusal
    }

    fn refusal_as_counted(
        &self,
        member: &SocketId,
        ghost: Option<&SocketId>,
        mode: LoginMode,
        len_max: usize,
    ) -> Option<Refusal> {
        let is_in = self.members.contains_key(member);
        let others = self.members.len() - usize::from(is_in) - usize::from(ghost.is_some());
        match mode {
            LoginMode::First if others > 0 && !is_in => Some(Refusal::Occupied),
            LoginMode::First | LoginMode::Whenever if others >= len_max => Some(Refusal::Full),
            _ => None,
        }
    }

    /// The member that the same client was before.
    fn ghost(&self, member: &SocketId, resume: Option<&Resume>) -> Option<SocketId> {
        let resume = resume?;
        let is_ghost = |(other, held): &(&SocketId, &Member)| {
            *other != member && held.resume.as_ref() == Some(resume)
        };
        self.members.iter().find(is_ghost).map(|(other, _)| other.clone())
    }

    fn others(&self, member: &SocketId) -> Vec<SocketId> {
        self.members.keys().filter(|other| *other != member).cloned().collect()
    }

    /// Puts all of them out and tells each node of its own, or nobody if some inbox is full.
    fn put_out(
        &mut self,
        audience: &Audience,
        leaving: &[SocketId],
        metrics: &Metrics,
    ) -> Result<(), Arc<Ear>> {
        let ear_of = |member: &SocketId| Arc::clone(&self.members[member].ear);
        let mut told: Vec<(Arc<Ear>, Vec<SocketId>)> = Vec::new();
        for member in leaving {
            let ear = ear_of(member);
            match told.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &ear)) {
                Some((_, members)) => members.push(member.clone()),
                None => told.push((ear, vec![member.clone()])),
            }
        }
        let mut permits: Vec<(Option<Permit<'_, Arrival>>, &Vec<SocketId>)> = Vec::new();
        for (ear, members) in &told {
            match ear.try_place() {
                Ok(permit) => permits.push((permit, members)),
                Err(()) => return Err(Arc::clone(ear)),
            }
        }
        for (permit, members) in permits {
            let Some(permit) = permit else { continue };
            metrics.put_out(PutOutCause::Replaced, members.len());
            permit.send(Arrival::PutOut { room: audience.clone(), members: members.clone() });
        }
        for member in leaving {
            self.members.remove(member);
        }
        Ok(())
    }
}
