//! What clients said, on its way into a stream of Redis: queued by all sockets of a node, appended by one
//! task over a connection of its own, so that nobody else waits for it.

use std::sync::{Arc, atomic::AtomicUsize};

use fred::{
    clients::{Client, Pipeline},
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value},
};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::UplinkError,
    limits::{UPLINK_BYTES_MAX, UPLINK_ENTRY_BYTES, UPLINK_LEN_MAX},
    redis::{
        bus::{Bus, count, lasting, millis},
        calls::{Call, Timed},
        events,
        primaries::slot,
        turn::{REPLICAS_SHARE, acks},
    },
    uplink::{Handed, Written},
};

/// So many entries have their places in bytes, and no more.
const QUEUE_LEN_MAX: usize = UPLINK_BYTES_MAX / UPLINK_ENTRY_BYTES;

/// How many entries are on the way at once.
const PIPELINE_LEN: usize = 1_024;

/// A node's queue to the stream. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Upward {
    bus: Arc<Bus>,
    queue: mpsc::Sender<(Instant, Handed)>,
    waiting: Arc<AtomicUsize>,
}

/// The task that appends. Ends when it is told to, with nothing in hand.
pub(super) struct Appending {
    bus: Arc<Bus>,
    client: Client,
    key: String,
    queued: mpsc::Receiver<(Instant, Handed)>,
    timed: Timed,
}

impl Upward {
    /// `client` is for this alone.
    pub(super) fn open(bus: &Arc<Bus>, client: Client, stream: &str) -> (Self, Appending) {
        let (queue, queued) = mpsc::channel(QUEUE_LEN_MAX);
        let key = bus.prefix.stream(stream);
        let timed = bus.calls.of(Call::Uplink);
        let appending = Appending { bus: Arc::clone(bus), client, key, queued, timed };
        (Self { bus: Arc::clone(bus), queue, waiting: Arc::default() }, appending)
    }

    pub(crate) fn waiting(&self) -> &Arc<AtomicUsize> {
        &self.waiting
    }

    /// A Redis that is known to be away is not waited for.
    pub(crate) fn queue(&self, handed: Handed) -> Result<(), UplinkError> {
        if !self.bus.events.is_up() {
            return Err(UplinkError::Unreachable);
        }
        self.queue.try_send((Instant::now(), handed)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                UplinkError::Full { len_bytes_max: UPLINK_BYTES_MAX }
            }
            mpsc::error::TrySendError::Closed(_) => UplinkError::Gone,
        })
    }
}

impl Appending {
    /// Appends what is queued, in its order, until `stop`; then what is still there, and takes no more.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        let mut works = true;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.queued.is_closed() => self.queued.close(),
                taken = self.queued.recv_many(&mut batch, PIPELINE_LEN) => {
                    if taken == 0 {
                        break;
                    }
                    let error = self.append(batch.drain(..)).await;
                    events::appended(works, error.as_ref());
                    works = error.is_none();
                }
            }
        }
        // Should Redis be gone, there is no connection to take leave of.
        drop(self.client.quit().await);
    }

    /// Gives what went wrong, if something did. An entry that has waited too long is not tried any more:
    /// the stream is for what is said now.
    async fn append(&self, batch: impl Iterator<Item = (Instant, Handed)>) -> Option<UplinkError> {
        let (wait, is_up, now) = (self.wait(), self.bus.events.is_up(), Instant::now());
        let (batch, late): (Vec<_>, Vec<_>) =
            batch.partition(|(since, _)| is_up && now.duration_since(*since) < wait);
        let mut failed = (!late.is_empty()).then_some(UplinkError::Unreachable);
        for (_, handed) in late {
            handed.settle(Err(UplinkError::Unreachable));
        }
        if batch.is_empty() {
            return failed;
        }
        let written = batch.iter().map(|(_, handed)| &handed.written);
        let mut answers = self.answers(written).await.into_iter();
        for (_, handed) in batch {
            let answer = answers.next().unwrap_or(Err(UplinkError::Unreachable));
            if let Err(error) = &answer {
                failed = Some(error.clone());
            }
            handed.settle(answer);
        }
        failed
    }

    /// What became of each, all of them in one trip.
    async fn answers(
        &self,
        batch: impl Iterator<Item = &Written>,
    ) -> Vec<Result<String, UplinkError>> {
        let pipeline = self.client.pipeline();
        let mut len = 0;
        for written in batch {
            len += 1;
            if let Err(error) = self.queue(&pipeline, "XADD", self.entry(written)).await {
                return vec![Err(failure(&error))];
            }
        }
        let replicas_min = self.bus.min_replicas_ack;
        if replicas_min > 0 {
            let args = vec![count(replicas_min), millis(self.wait() / REPLICAS_SHARE)];
            if let Err(error) = self.queue(&pipeline, "WAIT", args).await {
                return vec![Err(failure(&error))];
            }
        }
        let since = Instant::now();
        let mut answers: Vec<Result<Value, Error>> = pipeline.try_all().await;
        self.timed.took(since, answers.iter().all(Result::is_ok));
        let waited = answers.split_off(len.min(answers.len())).pop();
        let replicas = waited.map(acks).unwrap_or_default();
        let kept = |answer: Result<Value, Error>| match answer {
            Ok(_) if replicas < replicas_min => {
                Err(UplinkError::Unreplicated { replicas, replicas_min })
            }
            Ok(id) => id.as_string().ok_or(UplinkError::Unreachable),
            Err(error) => Err(failure(&error)),
        };
        answers.into_iter().map(kept).collect()
    }

    async fn queue(
        &self,
        pipeline: &Pipeline<Client>,
        name: &'static str,
        args: Vec<Value>,
    ) -> Result<(), Error> {
        let hash = ClusterHash::Custom(slot(&self.key));
        pipeline.custom(CustomCommand::new_static(name, hash, false), args).await
    }

    fn entry(&self, written: &Written) -> Vec<Value> {
        let mut args = vec![self.key.as_str().into(), "MAXLEN".into(), "~".into()];
        args.extend([count(UPLINK_LEN_MAX), "*".into()]);
        for (name, value) in &written.fields {
            args.extend([Value::from_static_str(name), value.as_str().into()]);
        }
        args
    }

    fn wait(&self) -> Duration {
        self.bus.config.publish_wait
    }
}

fn failure(error: &Error) -> UplinkError {
    match lasting(error) {
        Some(reason) => UplinkError::Broken { reason },
        None => UplinkError::Unreachable,
    }
}
