//! How a login becomes a call of `login.lua`, and what its answers mean.

use notice::{Audience, SocketId};
use rand::distr::{Alphanumeric, SampleString};
use tokio::time::{Instant, timeout};

use fred::{error::Error, types::Value};

use crate::{
    error::LoginError,
    limits::EPOCH_LEN,
    logins::{Login, LoginOutcome, Resume},
    redis::{
        bus::{count, lasting, odd},
        held::{Over, Stand, Ticket},
        leases::Leases,
    },
};

/// What the store said.
enum Answer {
    In(Stand),
    Occupied,
    Full,
    /// It is another Redis process than those that we know.
    Strange(String),
}

/// A login on its way. Given up half-way, it is not known whether the store has taken it.
struct Attempt<'a> {
    leases: &'a Leases,
    room: &'a Audience,
    member: &'a SocketId,
    ticket: Ticket,
    is_settled: bool,
}

impl Leases {
    pub(crate) async fn login(
        &self,
        room: &Audience,
        login: Login,
    ) -> Result<LoginOutcome, LoginError> {
        let resume = login.resume.as_ref().map(known_as).unwrap_or_default();
        let result = self.decide(room, &login, &resume).await;
        self.bus.metrics.logged_in(login.mode, &result);
        result
    }

    async fn decide(
        &self,
        room: &Audience,
        login: &Login,
        resume: &str,
    ) -> Result<LoginOutcome, LoginError> {
        let full = |what, len_max| LoginError::Full { room: room.clone(), what, len_max };
        let mut is_second = false;
        loop {
            let ticket = self.held.begin(room, &login.member, resume);
            let ticket = ticket.map_err(|len_max| full("rooms", len_max))?;
            let attempt =
                Attempt { leases: self, room, member: &login.member, ticket, is_settled: false };
            let run = match self.ask(&attempt, login, resume).await? {
                Answer::In(stand) => {
                    return attempt.succeed(stand);
                }
                Answer::Occupied => {
                    attempt.refuse();
                    return Ok(LoginOutcome::Occupied);
                }
                Answer::Full => {
                    attempt.refuse();
                    return Err(full("members of one room", self.bus.config.room_members_max));
                }
                Answer::Strange(run) => run,
            };
            attempt.refuse();
            self.settle(room, &run, is_second).await?;
            is_second = true;
        }
    }

    /// Waits for no longer than the login is sure that may come of it.
    async fn ask(
        &self,
        attempt: &Attempt<'_>,
        login: &Login,
        resume: &str,
    ) -> Result<Answer, LoginError> {
        let mut args = self.args(attempt.room);
        let settled = self.settled.lock().clone();
        let next_epoch = Alphanumeric.sample_string(&mut rand::rng(), EPOCH_LEN);
        args.extend([
            attempt.room.to_string().into(),
            login.member.as_str().into(),
            attempt.ticket.to_string().into(),
            self.node.as_str().into(),
            Value::from_static_str(login.mode.as_str()),
            resume.into(),
            count(self.bus.config.room_members_max),
            settled.into(),
            next_epoch.into(),
        ]);
        let since = Instant::now();
        let asking = self.bus.scripts.login.run(&self.bus.client, &args);
        let unreachable = || LoginError::Unreachable { room: attempt.room.clone() };
        let answer = timeout(self.lease() / 2, asking).await.map_err(|_elapsed| unreachable())?;
        let answer = answer.map_err(|error| login_error(attempt.room, &error))?;
        self.read(attempt.ticket, &answer.into_array(), since)
            .ok_or_else(|| LoginError::Broken { room: attempt.room.clone(), reason: odd() })
    }

    fn read(&self, ticket: Ticket, parts: &[Value], since: Instant) -> Option<Answer> {
        Some(match (&*parts.first()?.as_str()?, parts.get(1..)?) {
            ("in", [epoch, generation]) => {
                let (epoch, generation) = (epoch.as_string()?, generation.as_u64()?);
                Answer::In(Stand { ticket, epoch, generation, sure_until: self.sure_until(since) })
            }
            ("occupied", _) => Answer::Occupied,
            ("full", _) => Answer::Full,
            ("strange", [run]) => Answer::Strange(run.as_string()?),
            _ => return None,
        })
    }

    /// Takes note of a Redis process that is known for long enough.
    async fn settle(&self, room: &Audience, run: &str, is_second: bool) -> Result<(), LoginError> {
        let age = self.era(run).await.map_err(|error| login_error(room, &error))?;
        let left = self.lease().saturating_sub(age);
        if !left.is_zero() || is_second {
            return Err(LoginError::Unsettled { room: room.clone(), wait: left });
        }
        let mut settled = self.settled.lock();
        if !settled.contains(run) {
            // Some fifty primaries; with more, some are asked for again now and then.
            if settled.len() > 4096 {
                settled.clear();
            }
            settled.push(' ');
            settled.push_str(run);
        }
        Ok(())
    }
}

impl Attempt<'_> {
    fn succeed(mut self, stand: Stand) -> Result<LoginOutcome, LoginError> {
        if stand.sure_until <= Instant::now() {
            return Err(LoginError::Unreachable { room: self.room.clone() });
        }
        self.is_settled = true;
        if !self.leases.held.succeed(self.room, self.member, stand) {
            self.leases.give_back(self.over());
        }
        Ok(LoginOutcome::In)
    }

    fn refuse(mut self) {
        self.is_settled = true;
        self.leases.held.refuse(self.room, self.member, self.ticket);
    }

    fn over(&self) -> Over {
        Over { room: self.room.clone(), member: self.member.clone(), ticket: self.ticket }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_settled && self.leases.held.doubt(self.room, self.member, self.ticket) {
            self.leases.give_back(self.over());
        }
    }
}

/// The user behind its length, so that nobody's key is another's.
fn known_as(resume: &Resume) -> String {
    let key = resume.key.as_str();
    match &resume.user {
        Some(user) => format!("{}:{user}:{key}", user.as_str().len()),
        None => format!("-:{key}"),
    }
}

fn login_error(room: &Audience, error: &Error) -> LoginError {
    match lasting(error) {
        Some(reason) => LoginError::Broken { room: room.clone(), reason },
        None => LoginError::Unreachable { room: room.clone() },
    }
}
