//! How a draft becomes a call of `publish.lua`, one or many on the way at once.

use std::time::Duration;

use fred::{error::Error, interfaces::ClientLike, types::Value};
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
    },
};

/// How many drafts are on the way at once before the next wait for their answers.
const PIPELINE_LEN: usize = 128;

impl Bus {
    pub(crate) fn progress_pace(&self) -> Duration {
        self.config.progress_pace
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Result<Published, PublishError> {
        let kind = KindLabel::of(&draft.kind);
        let result = match self.publication(&draft) {
            Ok(args) => {
                let answer = self.scripts.publish.run(&self.client, &args).await;
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
        let mut drafts = drafts.into_iter();
        while let Some(first) = drafts.next() {
            // The first goes alone: should Redis have forgotten the script, it knows it from then on,
            // and none of the others is overtaken by one behind it.
            let from = results.len();
            results.push(self.publish(first).await);
            if transient(&results[from..]).is_none() {
                let more = drafts.by_ref().take(PIPELINE_LEN - 1).collect();
                results.extend(self.pipelined(more).await);
            }
            if let Some(error) = transient(&results[from..]) {
                // What was to come before it is to be handed in again, so the rest is not tried.
                results.extend(drafts.by_ref().map(|_| Err(error.clone())));
            }
        }
        results
    }

    async fn pipelined(&self, drafts: Vec<Draft>) -> Vec<Result<Published, PublishError>> {
        let pipeline = self.client.pipeline();
        let mut results = Vec::with_capacity(drafts.len());
        let mut sent = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let kind = KindLabel::of(&draft.kind);
            let queued = match self.publication(&draft) {
                Ok(args) => self.queue(&pipeline, &args, &draft.audience).await,
                Err(error) => Err(error),
            };
            let result = queued.map(|()| Published::Superseded);
            if result.is_ok() {
                sent.push((results.len(), draft.audience));
            }
            results.push((kind, result));
        }
        let answers = if sent.is_empty() { Vec::new() } else { pipeline.try_all().await };
        let mut answers = answers.into_iter();
        for (index, audience) in sent {
            let canceled = || Err(Error::new_canceled());
            let answer = answers.next().unwrap_or_else(canceled);
            results[index].1 = self.published(audience, answer);
        }
        for (kind, result) in &results {
            self.metrics.published(*kind, result);
        }
        results.into_iter().map(|(_, result)| result).collect()
    }

    async fn queue<C: ClientLike>(
        &self,
        pipeline: &C,
        args: &[Value],
        audience: &Audience,
    ) -> Result<(), PublishError> {
        let queued = self.scripts.publish.run_known(pipeline, args).await;
        queued.map(drop).map_err(|error| publish_error(audience.clone(), &error))
    }

    /// What `publish.lua` takes.
    fn publication(&self, draft: &Draft) -> Result<Vec<Value>, PublishError> {
        let (len_bytes, len_bytes_max) = (draft.payload.len_bytes(), PAYLOAD_BYTES_MAX);
        if len_bytes > len_bytes_max {
            let audience = draft.audience.clone();
            return Err(PublishError::TooLarge { audience, len_bytes, len_bytes_max });
        }
        let (kind, task, order) = match &draft.kind {
            Kind::Progress { task, order } => ("p", field(task), *order),
            Kind::Final { task, order } => ("f", field(task), *order),
            Kind::Plain => ("n", String::new(), Order::default()),
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

/// The last failure that may pass.
fn transient(results: &[Result<Published, PublishError>]) -> Option<PublishError> {
    let errors = results.iter().rev().filter_map(|result| result.as_ref().err());
    errors.into_iter().find(|error| error.is_transient()).cloned()
}

/// A key of a wrong type concerns one audience only. Whatever else is wrong concerns all, and is waited
/// for.
fn publish_error(audience: Audience, error: &Error) -> PublishError {
    match lasting(error).filter(|reason| reason.starts_with("WRONGTYPE")) {
        Some(reason) => PublishError::Broken { audience, reason },
        None => PublishError::Unreachable { audience },
    }
}
