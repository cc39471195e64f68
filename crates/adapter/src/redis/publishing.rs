//! How drafts get into Redis: one by itself, or many on the way at once.

use std::{collections::HashSet, time::Duration};

use fred::{
    clients::{Client, Pipeline},
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value, config::Server},
};
use futures_util::future::join_all;
use notice::{Audience, Draft, RoomPatterns};
use tokio::time::{Instant, sleep};

use crate::{
    error::PublishError,
    kept_rooms::KeptRooms as _,
    metrics::KindLabel,
    publisher::Published,
    redis::{
        bus::{Bus, count, millis},
        copies::Stake,
        primaries::{Owners, at, slot},
        scripts::{MOVING_WAIT_MAX, MOVING_WAIT_MIN, was_not_run},
        trip::{Trip, Trips},
    },
};

/// How many drafts are on the way at once before the next wait for their answers.
const PIPELINE_LEN: usize = 1_024;

/// How long the replicas may take, of the time that a publisher has.
pub(super) const REPLICAS_SHARE: u32 = 2;

type Outcome = Result<Published, PublishError>;

/// One pipeline: the calls of one turn, and behind them a question to each primary's replicas.
struct Turn {
    pipeline: Pipeline<Client>,
    owners: Owners,
    /// The primaries that have a call, each with a slot of its own.
    primaries: Vec<(Option<Server>, u16)>,
    /// Each call's primary, by its place in the list.
    calls: Vec<usize>,
    /// The primaries to which a script is brought along, each with whether that is the plain one.
    brought: HashSet<(usize, bool)>,
}

/// What Redis said to a call, and how many replicas had it then.
struct Answer {
    value: Result<Value, Error>,
    replicas: usize,
}

impl Bus {
    pub(crate) fn progress_pace(&self) -> Duration {
        self.config.progress_pace
    }

    pub(crate) fn kept_rooms(&self) -> &RoomPatterns {
        &self.config.kept_rooms
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Outcome {
        if self.min_replicas_ack > 0 {
            let mut results = self.pipelined(vec![draft]).await;
            return results.pop().expect("each draft has its answer");
        }
        let kind = KindLabel::of(&draft.kind);
        let result = self.publish_one(draft).await;
        self.metrics.published(kind, &result);
        result
    }

    async fn publish_one(&self, draft: Draft) -> Outcome {
        let trip = Trip::of_one(self.kept_rooms().mark(draft)?)?;
        if !self.events.is_up() {
            return Err(PublishError::Unreachable { audience: trip.audience().clone() });
        }
        let (script, args) = trip.call(self);
        let patience = self.config.publish_wait;
        let answer = script.run_patiently(&self.publishing, &args, patience).await;
        let outcome = trip.outcomes(answer, self.config.tasks_per_user_max).pop();
        outcome.expect("one notice has one outcome").2
    }

    pub(crate) async fn publish_all(&self, drafts: Vec<Draft>) -> Vec<Outcome> {
        let mut results = Vec::with_capacity(drafts.len());
        let mut drafts = drafts.into_iter().peekable();
        while drafts.peek().is_some() {
            let from = results.len();
            results.extend(self.pipelined(drafts.by_ref().take(PIPELINE_LEN).collect()).await);
            if let Some(error) = transient(&results[from..]) {
                // What was to come before it is to be handed in again, so the rest is not tried.
                results.extend(drafts.by_ref().map(|_| Err(error.clone())));
            }
        }
        results
    }

    async fn pipelined(&self, drafts: Vec<Draft>) -> Vec<Outcome> {
        let mut results = Vec::with_capacity(drafts.len());
        let kinds: Vec<_> = drafts.iter().map(|draft| KindLabel::of(&draft.kind)).collect();
        // Asked once, so that what is refused is not overtaken by what comes behind it. A Redis that is
        // known to be away is not waited for.
        let is_up = self.events.is_up();
        let mut trips = Trips::new(self.publishing.is_clustered());
        let mut stakes = Vec::with_capacity(drafts.len());
        for (place, draft) in drafts.into_iter().enumerate() {
            let audience = draft.audience.clone();
            let added = self.kept_rooms().mark(draft).and_then(|draft| {
                let stake = self.stake(&draft);
                trips.add(place, draft, &stake).map(|()| stakes.push(stake))
            });
            stakes.resize_with(place + 1, || Stake::Nothing);
            results.push(added.and(Err(PublishError::Unreachable { audience })));
        }
        if is_up {
            self.travel(trips.into_vec(), &mut stakes, &mut results).await;
        }
        for ((kind, stake), result) in kinds.into_iter().zip(stakes).zip(&results) {
            self.metrics.published(kind, result);
            if result.is_err() {
                self.uncopied.refused(stake);
            }
        }
        results
    }

    fn stake(&self, draft: &Draft) -> Stake {
        if self.min_replicas_ack == 0 {
            return Stake::Nothing;
        }
        self.uncopied.begin(draft, self.config.recent_age())
    }

    /// Makes the trips, and puts each outcome in its place.
    async fn travel(&self, trips: Vec<Trip>, stakes: &mut [Stake], results: &mut [Outcome]) {
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
        for (trip, Answer { value, replicas }) in trips.into_iter().zip(answers) {
            for (place, audience, outcome) in trip.outcomes(value, self.config.tasks_per_user_max) {
                let stake = &mut stakes[place];
                results[place] =
                    outcome.and_then(|known| self.copied(known, stake, audience, replicas));
            }
        }
    }

    /// What was refused as known may have been taken a moment ago, and be as little copied.
    fn copied(
        &self,
        known: Published,
        stake: &mut Stake,
        audience: Audience,
        replicas: usize,
    ) -> Outcome {
        let replicas_min = self.min_replicas_ack;
        if replicas >= replicas_min || matches!(stake, Stake::Nothing) {
            return Ok(known);
        }
        if let Some((id, _)) = known.accepted() {
            stake.numbered(&id.position);
        }
        Err(PublishError::Unreplicated { audience, replicas, replicas_min })
    }

    /// Sends one turn, and waits for its answers. `anew`: each primary's first call of a script brings it
    /// along, because the primary has forgotten it or is a new one.
    async fn ask(&self, trips: &[&Trip], anew: bool) -> Vec<Answer> {
        if self.publishing.is_clustered() {
            return self.ask_each(trips, anew).await;
        }
        let mut turn = Turn::new(&self.publishing);
        let mut answers = match self.queue(&mut turn, trips, anew).await {
            Ok(()) => turn.pipeline.try_all().await.into_iter(),
            Err(error) => vec![Err(error)].into_iter(),
        };
        let mut next = || answers.next().unwrap_or_else(|| Err(Error::new_canceled()));
        let values: Vec<Result<Value, Error>> = trips.iter().map(|_| next()).collect();
        let asked = if self.min_replicas_ack > 0 { turn.primaries.len() } else { 0 };
        let acks: Vec<usize> = (0..asked).map(|_| acks(next())).collect();
        let replicas = |call: usize| turn.calls.get(call).and_then(|primary| acks.get(*primary));
        let answers = values.into_iter().enumerate();
        answers
            .map(|(call, value)| Answer { value, replicas: replicas(call).copied().unwrap_or(0) })
            .collect()
    }

    /// The same in a cluster, where one call whose slot has moved would take the answers of a whole pipeline
    /// along.
    async fn ask_each(&self, trips: &[&Trip], anew: bool) -> Vec<Answer> {
        let mut turn = Turn::new(&self.publishing);
        for trip in trips {
            turn.goes_to(&self.prefix.channel(trip.audience()));
        }
        let calls = trips.iter().zip(&turn.calls);
        let calls = calls.map(|(trip, primary)| (&turn.primaries[*primary], Some(*trip)));
        let wanted = if self.min_replicas_ack > 0 { &turn.primaries[..] } else { &[] };
        // In one list, so that each question goes behind what it asks about.
        let questions = calls.chain(wanted.iter().map(|primary| (primary, None)));
        let each = questions.map(|(primary, trip)| self.ask_at(primary, trip, anew));
        let mut values = join_all(each).await;
        let acks: Vec<_> = values.split_off(trips.len()).into_iter().map(acks).collect();
        let replicas = |primary: usize| acks.get(primary).copied().unwrap_or(0);
        let answers = values.into_iter().zip(&turn.calls);
        answers.map(|(value, primary)| Answer { value, replicas: replicas(*primary) }).collect()
    }

    /// Makes a trip, or asks for the replicas of those before it. Where these count, both go to one primary by one
    /// connection or are an error: any other would know of no write that a replica lacks.
    async fn ask_at(
        &self,
        (server, slot): &(Option<Server>, u16),
        trip: Option<&Trip>,
        anew: bool,
    ) -> Result<Value, Error> {
        let server = server.as_ref().filter(|_| self.min_replicas_ack > 0);
        let client = at(&self.publishing, server);
        let Some(trip) = trip else { return self.wait(&client, *slot).await };
        let (script, args) = trip.call(self);
        if anew {
            script.run_anew(&client, &args).await
        } else {
            script.run_known(&client, &args).await
        }
    }

    async fn queue(&self, turn: &mut Turn, trips: &[&Trip], anew: bool) -> Result<(), Error> {
        for trip in trips {
            let primary = turn.goes_to(&self.prefix.channel(trip.audience()));
            let (script, args) = trip.call(self);
            if anew && turn.brought.insert((primary, trip.is_plain())) {
                script.run_anew(&turn.pipeline, &args).await?;
            } else {
                script.run_known(&turn.pipeline, &args).await?;
            }
        }
        if self.min_replicas_ack > 0 { self.queue_waits(turn).await } else { Ok(()) }
    }

    async fn queue_waits(&self, turn: &Turn) -> Result<(), Error> {
        for (_, slot) in &turn.primaries {
            self.wait(&turn.pipeline, *slot).await?;
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

// === impl Turn ===

impl Turn {
    fn new(client: &Client) -> Self {
        let owners = Owners::of(client);
        let (pipeline, brought) = (client.pipeline(), HashSet::new());
        Self { pipeline, owners, primaries: Vec::new(), calls: Vec::new(), brought }
    }

    /// Notes a call to the key's primary, and gives its place.
    fn goes_to(&mut self, key: &str) -> usize {
        let server = self.owners.of_key(key);
        let known = self.primaries.iter().position(|(known, _)| *known == server);
        let primary = known.unwrap_or_else(|| {
            self.primaries.push((server, slot(key)));
            self.primaries.len() - 1
        });
        self.calls.push(primary);
        primary
    }
}

/// How many replicas have it; none if that is not known.
pub(super) fn acks(answer: Result<Value, Error>) -> usize {
    let acks = answer.ok().and_then(|answer| answer.as_u64());
    acks.and_then(|acks| usize::try_from(acks).ok()).unwrap_or_default()
}

/// The last failure that may pass.
fn transient(results: &[Outcome]) -> Option<PublishError> {
    let errors = results.iter().rev().filter_map(|result| result.as_ref().err());
    errors.into_iter().find(|error| error.is_transient()).cloned()
}
