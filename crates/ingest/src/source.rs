//! The far end of the embedded queue: read a batch, publish it, acknowledge.
//!
//! Promise: at least once within the process. What the bus does not take for now is tried again,
//! under the stamp it was given first; what nobody can use becomes a dead letter.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    dead_letters::{DeadLetter, DeadLetters},
    events,
    fate::Fate,
    feed::{Entry, Feed},
    intake::{Incoming, Intake},
    metrics::Road,
};

/// How much an embedded queue holds, and how it retries.
#[derive(Clone, Debug)]
pub struct Config {
    /// Messages in the queue; past it, pushers wait. At least 1.
    pub queue_len_max: usize,
    /// Bytes queued or in hand; past it, pushers wait.
    pub queue_bytes_max: u32,
    /// Messages that are read, conflated and published at once. At least 1.
    pub batch_len_max: usize,
    /// The wait after the first failure; it doubles with each further one.
    pub retry_first: Duration,
    pub retry_max: Duration,
    /// Dead letters kept in memory; past either limit the oldest is let go.
    pub dead_letters_len_max: usize,
    pub dead_letters_bytes_max: usize,
}

/// Reads what was pushed into its [`Feed`]s. One task runs it.
#[derive(Debug)]
pub struct Source {
    queue: mpsc::Receiver<Entry>,
    intake: Intake,
    batch_len_max: usize,
    backoff: Backoff,
    dead: DeadLetters,
}

/// Everything that can move the source.
enum Wake {
    Stop,
    Batch(Vec<Entry>),
    /// Every feed is gone.
    Closed,
}

impl Source {
    /// A source and the way into it.
    pub fn new(intake: Intake, config: &Config) -> (Self, Feed) {
        let (sender, queue) = mpsc::channel(config.queue_len_max);
        let feed = Feed::new(sender, config.queue_bytes_max, intake.metrics().clone());
        let source = Self {
            queue,
            intake,
            batch_len_max: config.batch_len_max,
            backoff: Backoff::new(config.retry_first, config.retry_max),
            dead: DeadLetters::new(config.dead_letters_len_max, config.dead_letters_bytes_max),
        };
        (source, feed)
    }

    /// What could not be used, as long as the process lives.
    pub fn dead_letters(&self) -> DeadLetters {
        self.dead.clone()
    }

    /// Reads until `stop` or until every feed is gone. On `stop` it refuses further pushes, tries
    /// once what is still queued, and returns.
    ///
    /// Not cancellation-safe: dropped half-way, what it had in hand is lost. Cancel `stop` and await
    /// the task instead.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            match self.wake(&stop).await {
                Wake::Stop => return self.drain().await,
                Wake::Batch(batch) => self.hand_over(batch, &stop).await,
                Wake::Closed => return,
            }
        }
    }

    /// Waits for the next thing to do. Stopping wins over reading.
    async fn wake(&mut self, stop: &CancellationToken) -> Wake {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            read = self.queue.recv_many(&mut batch, self.batch_len_max) => match read {
                0 => Wake::Closed,
                _ => Wake::Batch(batch),
            },
        }
    }

    /// Publishes a batch, with waits between tries until all of it is taken. Once `stop` is
    /// cancelled, there is one last try.
    async fn hand_over(&mut self, mut batch: Vec<Entry>, stop: &CancellationToken) {
        for entry in &mut batch {
            entry.mark_read(self.intake.metrics());
        }
        loop {
            let stopping = stop.is_cancelled();
            batch = self.publish(batch).await;
            if batch.is_empty() {
                return self.backoff.reset();
            }
            if stopping {
                return events::abandoned(batch.len());
            }
            let wait = self.backoff.next();
            events::held_up(batch.len(), wait);
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Publishes once, acknowledges what has met its fate, and returns the rest in its order.
    async fn publish(&self, batch: Vec<Entry>) -> Vec<Entry> {
        let incoming: Vec<_> = batch
            .iter()
            .map(|Entry { json, stamp, handed_in, .. }| Incoming {
                json,
                stamp: Some(*stamp),
                handed_in: *handed_in,
            })
            .collect();
        let fates = self.intake.settle(Road::Embedded, &incoming).await;
        let mut rest = Vec::new();
        for (mut entry, fate) in batch.into_iter().zip(fates) {
            entry.tries += 1;
            match fate {
                Fate::NotTaken => rest.push(entry),
                Fate::Rejected { reason, error } => self.bury(&entry, reason, error),
                Fate::Published | Fate::Superseded | Fate::AfterFinal => drop(entry),
            }
        }
        rest
    }

    fn bury(&self, entry: &Entry, reason: &'static str, error: String) {
        let Entry { json, tries, handed_in, .. } = entry;
        let letter = DeadLetter {
            json: json.clone(),
            reason,
            error,
            tries: *tries,
            source: Road::Embedded.label(),
            origin: None,
            handed_in: *handed_in,
        };
        events::dead_lettered(self.intake.metrics(), &letter);
        self.dead.keep(letter);
    }

    /// Refuses further pushes and tries once what is queued.
    async fn drain(mut self) {
        self.queue.close();
        let stopped = CancellationToken::new();
        stopped.cancel();
        loop {
            let mut batch = Vec::new();
            if self.queue.recv_many(&mut batch, self.batch_len_max).await == 0 {
                return;
            }
            self.hand_over(batch, &stopped).await;
        }
    }
}
