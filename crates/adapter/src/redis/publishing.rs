//! How a draft becomes a call of `publish.lua`, one or many on the way at once.

use std::time::Duration;

use fred::{
    clients::{Client, Pipeline},
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value, config::Server},
};
use notice::{Audience, Draft, Kind, NoticeId, Order, Stamp};
use rand::distr::{Alphanumeric, SampleString};

use crate::{
    error::PublishError,
    limits::{EPOCH_LEN, PAYLOAD_BYTES_MAX, QUIET_AGE},
    metrics::KindLabel,
    publisher::Published,
    redis::{
        bus::{Bus, count, lasting, millis, odd, position},
        envelope::seal,
        keys::field,
        primaries::{Owners, slot},
    },
};

/// How many drafts are on the way at once before the next wait for their answers.
const PIPELINE_LEN: usize = 1_024;

/// How long the replicas may take, of the time that a publisher has.
const REPLICAS_SHARE: u32 = 2;

/// One pipeline: the calls of one turn, and behind them a question to each primary's replicas.
struct Turn {
    pipeline: Pipeline<Client>,
    owners: Owners,
    /// The primaries that have a call, each with a slot of its own.
    primaries: Vec<(Option<Server>, u16)>,
    /// Which result a call is for, its audience, and its primary's place in the list.
    calls: Vec<(usize, Audience, usize)>,
}

impl Bus {
    pub(crate) fn progress_pace(&self) -> Duration {
        self.config.progress_pace
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Result<Published, PublishError> {
        if self.min_replicas_ack > 0 {
            let mut results = self.pipelined(vec![draft]).await;
            return results.pop().expect("each draft has its answer");
        }
        let kind = KindLabel::of(&draft.kind);
        let result = match self.publication(&draft, self.events.is_up()) {
            Ok(args) => {
                let answer = self.scripts.publish.run(&self.publishing, &args).await;
                self.published(draft.audience, answer)
            }
            Err(error) => Err(error),
        };
        self.metrics.published(kind, &result);
        result
    }

    pub(crate) async fn publish_all(
        &self,
        drafts: Vec<Draft>,
    ) -> Vec<Result<Published, PublishError>> {
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

    async fn pipelined(&self, drafts: Vec<Draft>) -> Vec<Result<Published, PublishError>> {
        let mut turn = Turn::new(&self.publishing);
        let mut results = Vec::with_capacity(drafts.len());
        // Asked once, so that what is refused is not overtaken by what comes behind it.
        let is_up = self.events.is_up();
        for draft in drafts {
            let kind = KindLabel::of(&draft.kind);
            let queued = match self.publication(&draft, is_up) {
                Ok(args) => self.queue(&mut turn, results.len(), &args, draft.audience).await,
                Err(error) => Err(error),
            };
            results.push((kind, queued.map(|()| Published::Superseded)));
        }
        self.answers(turn, &mut results).await;
        for (kind, result) in &results {
            self.metrics.published(*kind, result);
        }
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Each primary's first call brings the script along: should it have forgotten it, or be a new one,
    /// it knows it from then on, and no call is overtaken by one behind it.
    async fn queue(
        &self,
        turn: &mut Turn,
        index: usize,
        args: &[Value],
        audience: Audience,
    ) -> Result<(), PublishError> {
        let (primary, is_first) = turn.primary_of(&self.prefix.channel(&audience));
        let script = &self.scripts.publish;
        let queued = if is_first {
            script.run_anew(&turn.pipeline, args).await
        } else {
            script.run_known(&turn.pipeline, args).await
        };
        queued.map_err(|error| publish_error(audience.clone(), &error))?;
        turn.calls.push((index, audience, primary));
        Ok(())
    }

    /// Sends the turn, and puts each answer where it belongs.
    async fn answers(
        &self,
        mut turn: Turn,
        results: &mut [(KindLabel, Result<Published, PublishError>)],
    ) {
        if turn.calls.is_empty() {
            return;
        }
        let waits = if self.min_replicas_ack > 0 { self.queue_waits(&turn).await } else { Ok(()) };
        let mut answers = match waits {
            Ok(()) => turn.pipeline.try_all().await.into_iter(),
            Err(error) => vec![Err(error)].into_iter(),
        };
        let mut next = || answers.next().unwrap_or_else(|| Err(Error::new_canceled()));
        for (index, audience, _) in &turn.calls {
            results[*index].1 = self.published(audience.clone(), next());
        }
        if self.min_replicas_ack == 0 {
            return;
        }
        let acks: Vec<usize> = turn.primaries.iter().map(|_| acks(next())).collect();
        for (index, audience, primary) in turn.calls.drain(..) {
            let (replicas, replicas_min) = (acks[primary], self.min_replicas_ack);
            let result = &mut results[index].1;
            // What was refused as known may have been taken a moment ago, and be as little copied.
            if result.is_ok() && replicas < replicas_min {
                *result = Err(PublishError::Unreplicated { audience, replicas, replicas_min });
            }
        }
    }

    /// One question covers all that its connection has written.
    async fn queue_waits(&self, turn: &Turn) -> Result<(), Error> {
        let wait = millis(self.config.publish_wait / REPLICAS_SHARE);
        for (_, slot) in &turn.primaries {
            let command = CustomCommand::new_static("WAIT", ClusterHash::Custom(*slot), false);
            let args = vec![count(self.min_replicas_ack), wait.clone()];
            let () = turn.pipeline.custom(command, args).await?;
        }
        Ok(())
    }

    /// What `publish.lua` takes. A Redis that is known to be away is not waited for.
    fn publication(&self, draft: &Draft, is_up: bool) -> Result<Vec<Value>, PublishError> {
        let (len_bytes, len_bytes_max) = (draft.payload.len_bytes(), PAYLOAD_BYTES_MAX);
        if len_bytes > len_bytes_max {
            let audience = draft.audience.clone();
            return Err(PublishError::TooLarge { audience, len_bytes, len_bytes_max });
        }
        if !is_up {
            return Err(PublishError::Unreachable { audience: draft.audience.clone() });
        }
        let (kind, task, order) = match &draft.kind {
            Kind::Progress { task, order } => ("p", field(task), *order),
            Kind::Final { task, order } => ("f", field(task), *order),
            Kind::Plain | Kind::Volatile => ("n", String::new(), Order::default()),
        };
        let version = order.version.map_or_else(|| "-".to_owned(), |number| format!("{number:e}"));
        let stamp =
            order.stamp.map(|stamp| format!("{:020}{:020}{:016}", stamp.millis, stamp.count, 0));
        let mut args = self.args(&draft.audience);
        args.extend([
            Value::from_static_str(kind),
            task.into(),
            version.into(),
            stamp.unwrap_or_default().into(),
            millis(QUIET_AGE),
            count(self.config.tasks_per_user_max),
            Alphanumeric.sample_string(&mut rand::rng(), EPOCH_LEN).into(),
            Value::Bytes(seal(draft)),
            millis(self.config.progress_pace),
        ]);
        Ok(args)
    }

    fn published(
        &self,
        audience: Audience,
        answer: Result<Value, Error>,
    ) -> Result<Published, PublishError> {
        let answer = answer.map_err(|error| publish_error(audience.clone(), &error))?;
        let parts = answer.into_array();
        let outcome = parts.first().and_then(Value::as_str).unwrap_or_default();
        match (&*outcome, parts.get(1..)) {
            ("superseded", _) => Ok(Published::Superseded),
            ("after_final", _) => Ok(Published::AfterFinal),
            ("early", Some([wait, stamp])) => match (wait.as_u64(), read_stamp(stamp)) {
                (Some(wait), Some(stamp)) => {
                    Ok(Published::Early { wait: Duration::from_millis(wait), stamp })
                }
                _ => Err(PublishError::Broken { audience, reason: odd() }),
            },
            ("full", _) => {
                let (what, len_max) = ("tasks of one user", self.config.tasks_per_user_max);
                Err(PublishError::Full { audience, what, len_max })
            }
            ("accepted", Some([epoch, seq, nodes])) => {
                let position = position(epoch, seq);
                let nodes = nodes.as_u64().and_then(|nodes| usize::try_from(nodes).ok());
                let broken = || PublishError::Broken { audience: audience.clone(), reason: odd() };
                let position = position.ok_or_else(broken)?;
                let id = NoticeId { audience, position };
                Ok(Published::Accepted { id, nodes: nodes.unwrap_or_default() })
            }
            _ => Err(PublishError::Broken { audience, reason: odd() }),
        }
    }
}

/// A stamp as `publish.lua` writes it: milliseconds, a count within them, and ticks behind that, which
/// become one more in the count.
fn read_stamp(text: &Value) -> Option<Stamp> {
    let text = text.as_str()?;
    let number = |digits: Option<&str>| digits?.parse::<u64>().ok();
    let (millis, count) = (number(text.get(..20))?, number(text.get(20..40))?);
    let ticks = number(text.get(40..))?;
    Some(Stamp { millis, count: count.saturating_add(ticks.min(1)) })
}

// === impl Turn ===

impl Turn {
    fn new(client: &Client) -> Self {
        let owners = Owners::of(client);
        Self { pipeline: client.pipeline(), owners, primaries: Vec::new(), calls: Vec::new() }
    }

    /// The place of the key's primary, and whether nothing was for it yet.
    fn primary_of(&mut self, key: &str) -> (usize, bool) {
        let server = self.owners.of_key(key);
        if let Some(place) = self.primaries.iter().position(|(known, _)| *known == server) {
            return (place, false);
        }
        self.primaries.push((server, slot(key)));
        (self.primaries.len() - 1, true)
    }
}

/// How many replicas have it; none if that is not known.
fn acks(answer: Result<Value, Error>) -> usize {
    let acks = answer.ok().and_then(|answer| answer.as_u64());
    acks.and_then(|acks| usize::try_from(acks).ok()).unwrap_or_default()
}

/// The last failure that may pass.
fn transient(results: &[Result<Published, PublishError>]) -> Option<PublishError> {
    let errors = results.iter().rev().filter_map(|result| result.as_ref().err());
    errors.into_iter().find(|error| error.is_transient()).cloned()
}

/// A key of a wrong type concerns one audience only. Whatever else is wrong concerns all, and is waited
/// for: an error that Redis told means that nothing was done, any other may have come after that.
fn publish_error(audience: Audience, error: &Error) -> PublishError {
    match lasting(error) {
        Some(reason) if reason.starts_with("WRONGTYPE") => {
            PublishError::Broken { audience, reason }
        }
        Some(_) => PublishError::Unreachable { audience },
        None => PublishError::Unconfirmed { audience },
    }
}
