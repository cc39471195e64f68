//! The road under socketioxide-redis: its channels over this bus's signals.
//!
//! Its own driver loses what comes in a burst, never subscribes again after a reconnect, and lets
//! whoever publishes wait for Redis. Here a message is queued and sent in its order by one task, a
//! channel is watched for as long as somebody reads it, and what does not fit is counted.

use std::{collections::HashMap, fmt, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use prometheus::{IntCounterVec, Opts, Registry};
use socketioxide_redis::drivers::{ChanItem, Driver, MessageStream};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use crate::{SignalError, Signals, Watch};

/// Messages that wait to be sent; past it a further one is refused.
const QUEUE_LEN_MAX: usize = 8192;
/// Messages on their way at a time.
const SENDING_MAX: usize = 64;

/// Carries what socketioxide-redis says between nodes. Clones share one queue and all channels; with the
/// last of them everything ends.
#[derive(Clone)]
pub struct RelayDriver {
    signals: Signals,
    lost_total: IntCounterVec,
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Default)]
struct Tasks {
    running: JoinSet<()>,
    queue: Option<mpsc::Sender<(String, Bytes)>>,
    channels: HashMap<String, AbortHandle>,
}

impl RelayDriver {
    /// Fails when `registry` already holds a metric of its name.
    pub fn new(signals: Signals, registry: &Registry) -> Result<Self, prometheus::Error> {
        let lost_total = IntCounterVec::new(
            Opts::new("carillon_relay_lost_total", "Messages of asked emits that were not sent."),
            &["reason"],
        )?;
        registry.register(Box::new(lost_total.clone()))?;
        Ok(Self { signals, lost_total, tasks: Arc::default() })
    }

    /// The queue to the one task that sends, which begins with the first message.
    fn queue(&self) -> mpsc::Sender<(String, Bytes)> {
        let mut tasks = self.tasks.lock();
        if let Some(queue) = &tasks.queue {
            return queue.clone();
        }
        let (queue, waiting) = mpsc::channel(QUEUE_LEN_MAX);
        tasks.running.spawn(send(self.signals.clone(), waiting, self.lost_total.clone()));
        tasks.queue = Some(queue.clone());
        queue
    }
}

impl Driver for RelayDriver {
    type Error = SignalError;

    /// Queues `val`; that nobody hears it is not noticed here.
    async fn publish(&self, chan: String, val: Vec<u8>) -> Result<(), SignalError> {
        let full = SignalError::Full { what: "messages", len_max: QUEUE_LEN_MAX };
        self.queue().try_send((chan, val.into())).map_err(|_| {
            self.lost_total.with_label_values(&["queue_full"]).inc();
            full
        })
    }

    async fn subscribe(
        &self,
        chan: String,
        size: usize,
    ) -> Result<MessageStream<ChanItem>, SignalError> {
        let watch = self.signals.watch(&chan, size).await?;
        // What waits, waits in the watch, which counts what it drops.
        let (tell, heard) = mpsc::channel(1);
        let mut tasks = self.tasks.lock();
        while tasks.running.try_join_next().is_some() {}
        let hearing = tasks.running.spawn(hear(watch, chan.clone(), tell));
        if let Some(earlier) = tasks.channels.insert(chan, hearing) {
            earlier.abort();
        }
        Ok(MessageStream::new(heard))
    }

    async fn unsubscribe(&self, pat: String) -> Result<(), SignalError> {
        if let Some(hearing) = self.tasks.lock().channels.remove(&pat) {
            hearing.abort();
        }
        Ok(())
    }

    async fn num_serv(&self, chan: &str) -> Result<u16, SignalError> {
        self.signals.listeners(chan).await.map(|count| u16::try_from(count).unwrap_or(u16::MAX))
    }
}

/// Sends what is queued, in its order, without waiting for one to arrive before the next leaves.
async fn send(
    signals: Signals,
    waiting: mpsc::Receiver<(String, Bytes)>,
    lost_total: IntCounterVec,
) {
    let waiting = stream::unfold(waiting, async |mut waiting| {
        let message = waiting.recv().await?;
        Some((message, waiting))
    });
    let signals = &signals;
    let sent = waiting.map(async |(chan, bytes): (String, Bytes)| signals.send(&chan, bytes).await);
    let sent = sent.buffered(SENDING_MAX);
    let mut sent = std::pin::pin!(sent);
    while let Some(sent) = sent.next().await {
        if let Err(error) = sent {
            lost_total.with_label_values(&["unsent"]).inc();
            // The one who asked counts what it does not hear.
            tracing::debug!(%error, "a message between nodes was not sent");
        }
    }
}

/// Hands on what a channel brings, until nobody reads it.
async fn hear(mut watch: Watch, chan: String, tell: mpsc::Sender<ChanItem>) {
    loop {
        let bytes = tokio::select! {
            () = tell.closed() => return,
            bytes = watch.next() => bytes,
        };
        let Some(bytes) = bytes else { return };
        if tell.send((chan.clone(), bytes.into())).await.is_err() {
            return;
        }
    }
}

impl fmt::Debug for RelayDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelayDriver({} channels)", self.tasks.lock().channels.len())
    }
}
