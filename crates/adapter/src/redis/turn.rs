//! One turn: trips that are on the way at once, and behind them a question to the replicas of each primary that took
//! what must have a copy.

use std::{collections::HashSet, time::Duration};

use fred::{
    clients::{Client, Pipeline},
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value, config::Server},
};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::redis::{
    bus::{Bus, count, millis},
    primaries::{Owners, at, slot},
    scripts::{MOVING_WAIT_MAX, MOVING_WAIT_MIN, was_not_run},
    trip::Trip,
};

/// How long the replicas may take, of the time that a publisher has.
pub(super) const REPLICAS_SHARE: u32 = 2;

/// What Redis said to a trip, and how many replicas had it then.
pub(super) struct Answer {
    pub(super) value: Result<Value, Error>,
    pub(super) replicas: usize,
}

/// Where the trips go.
struct Turn<'a> {
    /// Each with its primary, by its place in the list.
    trips: Vec<(&'a Trip, usize)>,
    primaries: Vec<Primary>,
}

struct Primary {
    server: Option<Server>,
    /// One of its slots.
    slot: u16,
    /// Whether its replicas count.
    is_asked: bool,
}

impl Bus {
    /// What Redis says to trips that are on the way at once.
    pub(super) async fn answers(&self, trips: &[Trip]) -> Vec<Answer> {
        let since = Instant::now();
        let mut answers = self.ask(&trips.iter().collect::<Vec<_>>(), false).await;
        let (until, mut wait) = (Instant::now() + self.config.publish_wait, Duration::ZERO);
        // Once more at once; and then as long as keys are on their way to another server.
        while Instant::now() + wait < until {
            let unknown = |answer: &Answer| answer.value.as_ref().is_err_and(was_not_run);
            let again = trips.iter().zip(&mut answers).filter(|(_, answer)| unknown(answer));
            let (again, old): (Vec<_>, Vec<_>) = again.unzip();
            if again.is_empty() {
                break;
            }
            sleep(wait).await;
            wait = (wait * 2).clamp(MOVING_WAIT_MIN, MOVING_WAIT_MAX);
            let new = self.ask(&again, true).await;
            old.into_iter().zip(new).for_each(|(old, new)| *old = new);
        }
        let is_answered = answers.iter().all(|answer| answer.value.is_ok());
        self.scripts.publish.timed.took(since, is_answered);
        answers
    }

    /// Sends one turn, and waits for its answers. `anew`: each primary's first call of a script brings it
    /// along, because the primary has forgotten it or is a new one.
    async fn ask(&self, trips: &[&Trip], anew: bool) -> Vec<Answer> {
        let turn = Turn::new(self, trips);
        let mut answers = if self.publishing.is_clustered() {
            self.ask_each(&turn, anew).await
        } else {
            let pipeline = self.publishing.pipeline();
            match self.queue(&pipeline, &turn, anew).await {
                Ok(()) => pipeline.try_all().await,
                Err(error) => vec![Err(error)],
            }
        }
        .into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(Error::new_canceled()));
        let values: Vec<Result<Value, Error>> = trips.iter().map(|_| next()).collect();
        let primaries = turn.primaries.iter();
        let acks: Vec<_> = primaries.map(|it| if it.is_asked { acks(next()) } else { 0 }).collect();
        let answers = values.into_iter().zip(&turn.trips);
        answers.map(|(value, (_, primary))| Answer { value, replicas: acks[*primary] }).collect()
    }

    /// One by one: in a cluster, one call whose slot has moved would take the answers of a whole pipeline along.
    async fn ask_each(&self, turn: &Turn<'_>, anew: bool) -> Vec<Result<Value, Error>> {
        let trips =
            turn.trips.iter().map(|(trip, primary)| (Some(*trip), &turn.primaries[*primary]));
        // In one list, so that each question goes behind what it asks about.
        let questions = trips.chain(turn.asked().map(|primary| (None, primary)));
        let each = questions.map(async |(trip, primary)| {
            // Where replicas count, all goes to one primary by one connection or is an error: any other would know
            // of no write that a replica lacks.
            let server = primary.server.as_ref().filter(|_| primary.is_asked);
            let client = at(&self.publishing, server);
            let Some(trip) = trip else { return self.wait(&client, primary.slot).await };
            let (script, call) = (trip.script(self), trip.call(self));
            if anew {
                script.run_anew(&client, call).await
            } else {
                script.run_known(&client, call).await
            }
        });
        join_all(each).await
    }

    async fn queue(
        &self,
        pipeline: &Pipeline<Client>,
        turn: &Turn<'_>,
        anew: bool,
    ) -> Result<(), Error> {
        // To which primaries a script is brought along, and whether that is the plain one.
        let mut brought = HashSet::new();
        for (trip, primary) in &turn.trips {
            let (script, call) = (trip.script(self), trip.call(self));
            if anew && brought.insert((*primary, trip.is_plain())) {
                script.run_anew(pipeline, call).await?;
            } else {
                script.run_known(pipeline, call).await?;
            }
        }
        for primary in turn.asked() {
            self.wait(pipeline, primary.slot).await?;
        }
        Ok(())
    }

    /// One question covers all that its connection has written.
    async fn wait<C: ClientLike>(&self, client: &C, slot: u16) -> Result<Value, Error> {
        let wait = millis(self.config.publish_wait / REPLICAS_SHARE);
        let command = CustomCommand::new_static("WAIT", ClusterHash::Custom(slot), false);
        client.custom(command, vec![count(self.min_replicas_ack), wait]).await
    }
}

impl<'a> Turn<'a> {
    fn new(bus: &Bus, trips: &[&'a Trip]) -> Self {
        let owners = Owners::of(&bus.publishing);
        let mut turn = Self { trips: Vec::with_capacity(trips.len()), primaries: Vec::new() };
        for trip in trips {
            let key = bus.prefix.channel(trip.audience());
            let server = owners.of_key(&key);
            let known = turn.primaries.iter().position(|known| known.server == server);
            let primary = known.unwrap_or_else(|| {
                turn.primaries.push(Primary { server, slot: slot(&key), is_asked: false });
                turn.primaries.len() - 1
            });
            turn.primaries[primary].is_asked |= trip.has_stake();
            turn.trips.push((trip, primary));
        }
        turn
    }

    fn asked(&self) -> impl Iterator<Item = &Primary> {
        self.primaries.iter().filter(|primary| primary.is_asked)
    }
}

/// How many replicas have it; none if that is not known.
pub(super) fn acks(answer: Result<Value, Error>) -> usize {
    let acks = answer.ok().and_then(|answer| answer.as_u64());
    acks.and_then(|acks| usize::try_from(acks).ok()).unwrap_or_default()
}
