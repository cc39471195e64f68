//! How drafts get into Redis: one by itself, or many on the way at once.

use std::{collections::HashSet, time::Duration};

use fred::interfaces::ClientLike as _;
use notice::{Audience, Draft, RoomPatterns};

use crate::{
    error::PublishError,
    kept_rooms::KeptRooms as _,
    metrics::KindLabel,
    publisher::Published,
    redis::{
        bus::Bus,
        copies::Stake,
        trip::{Trip, Trips},
    },
};

/// How many drafts are on the way at once before the next wait for their answers.
const PIPELINE_LEN: usize = 1_024;

type Outcome = Result<Published, PublishError>;

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
        let (script, patience) = (trip.script(self), self.config.publish_wait);
        let answer = script.run_patiently(&self.publishing, || trip.call(self), patience).await;
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
            self.travel(trips.into_waves(), &mut stakes, &mut results).await;
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

    /// Makes the trips, and puts each outcome in its place. Of an audience of which something is to be handed in again
    /// nothing is tried behind that.
    async fn travel(&self, waves: Vec<Vec<Trip>>, stakes: &mut [Stake], results: &mut [Outcome]) {
        let mut held_up: HashSet<Audience> = HashSet::new();
        for trips in waves {
            let waits = |trip: &Trip| trip.audiences().any(|audience| held_up.contains(audience));
            let (waiting, trips): (Vec<_>, Vec<_>) = trips.into_iter().partition(waits);
            held_up.extend(waiting.iter().flat_map(Trip::audiences).cloned());
            if trips.is_empty() {
                break;
            }
            held_up.extend(self.travel_together(trips, stakes, results).await);
        }
    }

    /// One wave. Says of which audiences something is to be handed in again.
    async fn travel_together(
        &self,
        trips: Vec<Trip>,
        stakes: &mut [Stake],
        results: &mut [Outcome],
    ) -> Vec<Audience> {
        let answers = self.answers(&trips).await;
        let outcomes = trips.into_iter().zip(answers).flat_map(|(trip, answer)| {
            let outcomes = trip.outcomes(answer.value, self.config.tasks_per_user_max);
            outcomes.into_iter().map(move |outcome| (outcome, answer.replicas))
        });
        let mut held_up = Vec::new();
        for ((place, audience, outcome), replicas) in outcomes {
            let stake = &mut stakes[place];
            results[place] =
                outcome.and_then(|known| self.copied(known, stake, &audience, replicas));
            if results[place].as_ref().is_err_and(PublishError::is_transient) {
                held_up.push(audience);
            }
        }
        held_up
    }

    /// What was refused as known may have been taken a moment ago, and be as little copied.
    fn copied(
        &self,
        known: Published,
        stake: &mut Stake,
        audience: &Audience,
        replicas: usize,
    ) -> Outcome {
        let replicas_min = self.min_replicas_ack;
        if replicas >= replicas_min || matches!(stake, Stake::Nothing) {
            return Ok(known);
        }
        if let Some((id, _)) = known.accepted() {
            stake.numbered(&id.position);
        }
        let audience = audience.clone();
        Err(PublishError::Unreplicated { audience, replicas, replicas_min })
    }
}

/// The last failure that may pass.
fn transient(results: &[Outcome]) -> Option<PublishError> {
    let errors = results.iter().rev().filter_map(|result| result.as_ref().err());
    errors.into_iter().find(|error| error.is_transient()).cloned()
}
