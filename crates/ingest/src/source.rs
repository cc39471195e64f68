//! The far end of the embedded queue: read a batch, hand it to the desk, acknowledge what is settled.
//!
//! Promise: at least once within the process. What the bus does not take for now is tried again,
//! under the stamp it was given first; what nobody can use becomes a dead letter.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    dead_letters::{DeadLetter, DeadLetters},
    desk::{self, Desk},
    events,
    fate::Fate,
    feed::{Entry, Feed},
    intake::Intake,
    metrics::{Metrics, Road},
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
    /// Messages that wait for the turn of their task; past it, nothing is read until some had it.
    pub held_len_max: usize,
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
    desk: Desk<Entry>,
    metrics: Metrics,
    batch_len_max: usize,
    backoff: Backoff,
    dead: DeadLetters,
}

/// Everything that can move the source.
enum Wake {
    Stop,
    Batch(Vec<Entry>),
    /// It is the turn of something that is held.
    Due,
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
            metrics: intake.metrics().clone(),
            desk: Desk::new(intake, Road::Embedded, config.held_len_max),
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
            let (settled, is_last) = match self.wake(&stop).await {
                Wake::Stop => return self.drain().await,
                Wake::Batch(batch) => (self.take(batch).await, false),
                Wake::Due => (self.desk.flush().await, false),
                Wake::Closed => (self.desk.flush_all().await, true),
            };
            self.see_through(settled, &stop).await;
            if is_last {
                return;
            }
        }
    }

    /// Waits for the next thing to do. Stopping wins over what is due, and that over reading.
    async fn wake(&mut self, stop: &CancellationToken) -> Wake {
        let mut batch = Vec::new();
        let due = self.desk.due();
        let read = self.queue.recv_many(&mut batch, self.batch_len_max);
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Wake::Due,
            read = read, if !self.desk.is_full() => match read {
                0 => Wake::Closed,
                _ => Wake::Batch(batch),
            },
        }
    }

    /// Takes a batch for the first time.
    async fn take(&mut self, mut batch: Vec<Entry>) -> Vec<(Entry, Fate)> {
        for entry in &mut batch {
            entry.mark_read(&self.metrics);
        }
        self.desk.take(batch.into_iter().map(desk_entry).collect()).await
    }

    /// Acknowledges what has met its fate, and takes the rest again, with waits between tries, until all
    /// of it is taken. Once `stop` is cancelled, there is one last try.
    async fn see_through(&mut self, settled: Vec<(Entry, Fate)>, stop: &CancellationToken) {
        let mut rest = self.settle(settled);
        let mut stopping = stop.is_cancelled();
        while !rest.is_empty() {
            if stopping {
                return events::abandoned(rest.len());
            }
            let wait = self.backoff.next();
            events::held_up(rest.len(), wait);
            tokio::select! {
                biased;
                () = stop.cancelled() => stopping = true,
                () = sleep(wait) => {}
            }
            let settled = self.desk.take(rest.into_iter().map(desk_entry).collect()).await;
            rest = self.settle(settled);
        }
        self.backoff.reset();
    }

    /// Acknowledges what has met its fate, and returns the rest in its order.
    fn settle(&mut self, settled: Vec<(Entry, Fate)>) -> Vec<Entry> {
        let mut rest = Vec::new();
        for (mut entry, fate) in settled {
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
        events::dead_lettered(&self.metrics, &letter);
        self.dead.keep(letter);
    }

    /// Refuses further pushes, tries once what is queued, and then what is held.
    async fn drain(mut self) {
        self.queue.close();
        let stopped = CancellationToken::new();
        stopped.cancel();
        loop {
            let mut batch = Vec::new();
            if self.queue.recv_many(&mut batch, self.batch_len_max).await == 0 {
                break;
            }
            let settled = self.take(batch).await;
            self.see_through(settled, &stopped).await;
        }
        let settled = self.desk.flush_all().await;
        self.see_through(settled, &stopped).await;
    }
}

fn desk_entry(entry: Entry) -> desk::Entry<Entry> {
    let (json, stamp, handed_in) = (entry.json.clone(), Some(entry.stamp), entry.handed_in);
    desk::Entry { ticket: entry, json, stamp, handed_in, parent: None }
}
