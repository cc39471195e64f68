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
use tokio::time::{Instant, sleep};

use crate::{
    events,
    redis::{
        keys::Keys,
        road::{Reader, Receipts},
        ticket::Ticket,
        wire::{array, call, id_of, millis, parts, run, time_of, words},
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
}

pub(super) struct ListReceipts(pub(super) Arc<List>);

/// A message behind its stamp and a space, as it lies in its taker's list. The stamp tells it from its like.
type Taken = Bytes;

// === impl ListReader ===

impl ListReader {
    pub(super) fn new(list: Arc<List>) -> Self {
        Self { list, is_known: false, sweep_at: Instant::now() }
    }
}

impl Reader for ListReader {
    type Mark = Taken;
    type Receipts = ListReceipts;

    async fn read(&mut self, len_max: usize, in_hand: usize) -> Result<Vec<Ticket<Taken>>, Error> {
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
        let taken = self.list.take(len_max).await?;
        let tickets: Vec<_> = taken.into_iter().filter_map(ticket).collect();
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
    type Mark = Taken;

    /// From the end of the oldest, where what is done usually lies.
    async fn acknowledge(&self, marks: &[Taken]) -> Result<(), Error> {
        let (list, key) = (&self.0, self.0.keys.taken(&self.0.consumer));
        let pipeline = list.client.pipeline();
        for mark in marks {
            let mut args = words([&key, "-1"]);
            args.push(Value::Bytes(mark.clone()));
            call(&pipeline, "LREM", 0, args).await?;
        }
        pipeline.all::<Vec<Value>>().await.map(drop)
    }

    async fn keep(&self, _: &[Taken]) -> Result<(), Error> {
        self.0.take(0).await.map(drop)
    }
}

// === impl List ===

impl List {
    /// Up to so many messages; renews the lease of who holds some. Most looks find nothing, and write nothing.
    async fn take(&self, len_max: usize) -> Result<Vec<Taken>, Error> {
        let keys = self.keys_of(&self.consumer);
        let [list, taken, .., stamps] = &keys;
        let there = call(&self.client, "EXISTS", 0, words([list, taken, stamps])).await?;
        if there.as_u64() == Some(0) {
            return Ok(Vec::new());
        }
        let script = include_str!("take.lua");
        let args = [self.consumer.clone(), millis(self.lease), len_max.to_string()];
        let answer = run(&self.client, script, &keys, &args).await?;
        Ok(array(answer).into_iter().filter_map(Value::into_bytes).collect())
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

    fn keys_of(&self, consumer: &str) -> [String; 5] {
        let keys = &self.keys;
        let (taken, lease) = (keys.taken(consumer), keys.lease(consumer));
        [keys.list(), taken, lease, keys.consumers(), keys.stamps()]
    }
}

/// `None` for what `take.lua` did not write.
fn ticket(taken: Taken) -> Option<Ticket<Taken>> {
    let space = taken.iter().position(|byte| *byte == b' ')?;
    let stamp = id_of(std::str::from_utf8(&taken[..space]).ok()?)?;
    Some(Ticket {
        json: taken.slice(space + 1..),
        mark: taken,
        stamp: Some(stamp),
        handed_in: time_of(stamp).min(SystemTime::now()),
        parent: None,
        tries: 1,
        origin: None,
        verdict: None,
    })
}
