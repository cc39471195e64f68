//! The list: each message is moved to the consumer's own list, and removed from there once it is done. What
//! a consumer took that no longer lives goes back.
//!
//! It is asked for at short intervals: a wait within Redis could move one message at a time only, and
//! without the lease by which others know that its taker lives.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use fred::{clients::Client, error::Error, types::Value};
use notice::Stamp;
use tokio::time::{Instant, sleep};

use crate::{
    events,
    redis::{
        keys::Keys,
        road::{Reader, Receipts},
        ticket::Ticket,
        wire::{array, call, millis, parts, run, words},
    },
};

/// How often an empty list is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Messages that go back in one step.
const GIVE_BACK_LEN: u64 = 1_000;

/// One consumer of the list.
#[derive(Debug)]
pub(super) struct List {
    pub(super) client: Client,
    pub(super) keys: Keys,
    pub(super) consumer: String,
    /// How long a consumer counts as living after its last sign.
    pub(super) lease: Duration,
}

pub(super) struct ListReader {
    list: Arc<List>,
    /// Whether the consumer's own list holds nothing but what is in hand.
    is_known: bool,
    sweep_at: Instant,
    taken: u64,
}

pub(super) struct ListReceipts(pub(super) Arc<List>);

/// A message by its bytes, which is how it is removed, and by a number that tells it from its like.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Mark {
    number: u64,
    message: Bytes,
}

// === impl ListReader ===

impl ListReader {
    pub(super) fn new(list: Arc<List>) -> Self {
        Self { list, is_known: false, sweep_at: Instant::now(), taken: 0 }
    }

    fn tickets(&mut self, answer: Vec<Value>) -> Vec<Ticket<Mark>> {
        let mut answer = answer.into_iter();
        let [seconds, micros] =
            [answer.next(), answer.next()].map(|part| part.and_then(|part| part.as_u64()));
        let (seconds, micros) = (seconds.unwrap_or_default(), micros.unwrap_or_default());
        let handed_in = SystemTime::now();
        let tickets = answer.filter_map(Value::into_bytes).zip(0..).map(|(message, place)| {
            self.taken += 1;
            // What the store's clock said when it was taken, so that one who was frozen and comes late
            // does not bring the newest.
            let stamp = Stamp {
                millis: seconds * 1_000 + micros / 1_000,
                count: micros % 1_000 * 10_000 + place,
            };
            Ticket {
                mark: Mark { number: self.taken, message: message.clone() },
                json: message,
                stamp: Some(stamp),
                handed_in,
                tries: 1,
                origin: None,
                verdict: None,
            }
        });
        tickets.collect()
    }
}

impl Reader for ListReader {
    type Mark = Mark;
    type Receipts = ListReceipts;

    async fn read(&mut self, len_max: usize, in_hand: usize) -> Result<Vec<Ticket<Mark>>, Error> {
        if !self.is_known {
            if in_hand > 0 {
                // It cannot be told from what is in hand before that is done.
                sleep(LOOK_EVERY).await;
                return Ok(Vec::new());
            }
            self.list.give_back(&self.list.consumer, true).await?;
            self.is_known = true;
        }
        if Instant::now() >= self.sweep_at {
            self.list.sweep().await?;
            self.sweep_at = Instant::now() + self.list.lease.mul_f64(rand::random_range(0.5..1.0));
        }
        let answer = self.list.take(len_max).await?;
        let tickets = self.tickets(answer);
        if tickets.is_empty() {
            sleep(LOOK_EVERY).await;
        }
        Ok(tickets)
    }

    fn start_over(&mut self) {
        self.is_known = false;
    }

    async fn leave(self) -> Result<(), Error> {
        self.list.give_back(&self.list.consumer, true).await
    }
}

// === impl ListReceipts ===

impl Receipts for ListReceipts {
    type Mark = Mark;

    /// From the end of the oldest, where what is done usually lies.
    async fn acknowledge(&self, marks: &[Mark]) -> Result<(), Error> {
        let (list, key) = (&self.0, self.0.keys.taken(&self.0.consumer));
        let pipeline = list.client.pipeline();
        for mark in marks {
            let mut args = words([&key, "-1"]);
            args.push(Value::Bytes(mark.message.clone()));
            call(&pipeline, "LREM", 0, args).await?;
        }
        pipeline.all::<Vec<Value>>().await.map(drop)
    }

    async fn keep(&self, _: &[Mark]) -> Result<(), Error> {
        self.0.take(0).await.map(drop)
    }
}

// === impl List ===

impl List {
    /// Up to so many messages behind the time; renews the lease.
    async fn take(&self, len_max: usize) -> Result<Vec<Value>, Error> {
        let script = include_str!("take.lua");
        let args = [self.consumer.clone(), millis(self.lease), len_max.to_string()];
        run(&self.client, script, &self.keys_of(&self.consumer), &args).await.map(array)
    }

    /// Gives back what consumers have taken whose lease ran out.
    async fn sweep(&self) -> Result<(), Error> {
        let consumers = call(&self.client, "SMEMBERS", 0, words([&self.keys.consumers()])).await?;
        let consumers = match consumers {
            Value::Array(names) => names,
            other => other.into_set()?.into_iter().collect(),
        };
        for consumer in consumers.into_iter().filter_map(Value::into_string) {
            if consumer != self.consumer {
                self.give_back(&consumer, false).await?;
            }
        }
        Ok(())
    }

    /// Gives back what one consumer has taken: our own, or another's whose lease ran out.
    async fn give_back(&self, consumer: &str, is_own: bool) -> Result<(), Error> {
        let whose = if is_own { "own" } else { "other" };
        let args = [consumer.to_owned(), whose.to_owned(), GIVE_BACK_LEN.to_string()];
        let mut given_back = 0;
        loop {
            let script = include_str!("give_back.lua");
            let answer = run(&self.client, script, &self.keys_of(consumer), &args).await?;
            let [count, is_all] = parts(answer);
            given_back += count.as_u64().unwrap_or_default();
            if is_all.as_u64() != Some(0) {
                break;
            }
        }
        if given_back > 0 {
            events::given_back(given_back);
        }
        Ok(())
    }

    fn keys_of(&self, consumer: &str) -> [String; 4] {
        let keys = &self.keys;
        [keys.list(), keys.taken(consumer), keys.lease(consumer), keys.consumers()]
    }
}
