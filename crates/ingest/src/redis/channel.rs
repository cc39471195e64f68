//! The channel: heard by the one replica that leads, tried once, kept by nobody.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use fred::{interfaces::EventInterface, types::Message};
use tokio::{
    sync::{
        OwnedSemaphorePermit, Semaphore,
        broadcast::{Receiver, error::RecvError},
        mpsc,
    },
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;

use crate::{
    events,
    metrics::{Metrics, Road},
    redis::{
        hand::Hand,
        leader::{Leader, Leading},
        ticket::Ticket,
    },
};

/// Messages handed over at once.
const BATCH_LEN: usize = 1_000;

/// One replica's part in the channel.
pub(super) struct Channel {
    pub(super) client: fred::clients::Client,
    pub(super) name: String,
    pub(super) leader: String,
    pub(super) lease: Duration,
    pub(super) hand: Hand<u64>,
    pub(super) metrics: Metrics,
    pub(super) queue_len_max: usize,
    pub(super) queue_bytes_max: u32,
}

/// A message that waits for its turn, and its share of the bytes that may.
struct Heard {
    json: Bytes,
    at: SystemTime,
    _bytes: OwnedSemaphorePermit,
}

/// Passes on what is heard while this replica leads, as far as there is room.
struct Hearing {
    messages: Receiver<Message>,
    name: String,
    leading: Leading,
    queue: mpsc::Sender<Heard>,
    bytes: Arc<Semaphore>,
    metrics: Metrics,
}

enum Wake {
    Due,
    Heard,
    Closed,
}

impl Channel {
    /// Runs until `stop`; what was heard until then is still tried.
    pub(super) async fn run(self, stop: CancellationToken) {
        let (sender, queue) = mpsc::channel(self.queue_len_max);
        let leading = Leading::default();
        let hearing = Hearing {
            messages: self.client.message_rx(),
            name: self.name.clone(),
            leading: leading.clone(),
            queue: sender,
            bytes: Arc::new(Semaphore::new(self.queue_bytes_max as usize)),
            metrics: self.metrics.clone(),
        };
        let names = (self.name, self.leader);
        let leader = Leader::new(self.client, names, self.lease, leading);
        let deaf = CancellationToken::new();
        let heard_to_the_end = async {
            leader.run(stop).await;
            deaf.cancel();
        };
        let trying = Trying { hand: self.hand, metrics: self.metrics, number: 0 };
        tokio::join!(heard_to_the_end, hearing.run(deaf.clone()), trying.run(queue));
    }
}

impl Hearing {
    /// Runs until nothing more is to be heard, and closes the queue.
    async fn run(mut self, deaf: CancellationToken) {
        loop {
            let message = tokio::select! {
                biased;
                message = self.messages.recv() => message,
                () = deaf.cancelled() => return,
            };
            match message {
                Ok(message) => self.hear(message),
                Err(RecvError::Lagged(count)) => {
                    events::dropped(&self.metrics, Road::Channel, count);
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn hear(&self, message: Message) {
        if message.channel != self.name || !self.leading.is_now() {
            return;
        }
        let json = message.value.into_bytes().unwrap_or_default();
        let len_bytes = u32::try_from(json.len()).unwrap_or(u32::MAX);
        let place = self.queue.try_reserve().ok();
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(len_bytes).ok();
        match place.zip(bytes) {
            Some((place, bytes)) => {
                place.send(Heard { json, at: SystemTime::now(), _bytes: bytes });
            }
            None => events::dropped(&self.metrics, Road::Channel, 1),
        }
    }
}

/// Tries what was heard.
struct Trying {
    hand: Hand<u64>,
    metrics: Metrics,
    number: u64,
}

impl Trying {
    /// Runs until the queue is closed and empty.
    async fn run(mut self, mut queue: mpsc::Receiver<Heard>) {
        let mut heard = Vec::new();
        loop {
            match self.wake(&mut queue, &mut heard).await {
                Wake::Due => self.hand.flush().await,
                Wake::Heard => {
                    let tickets = heard.drain(..).map(|heard| self.ticket(heard)).collect();
                    self.hand.receive(tickets);
                    self.hand.try_fresh().await;
                }
                Wake::Closed => break,
            }
            self.let_go().await;
        }
        self.hand.flush_all().await;
        self.let_go().await;
    }

    async fn wake(&self, queue: &mut mpsc::Receiver<Heard>, heard: &mut Vec<Heard>) -> Wake {
        let due = self.hand.due();
        tokio::select! {
            biased;
            () = async { sleep_until(due.expect("asked for where there is one")).await },
                if due.is_some() => Wake::Due,
            count = queue.recv_many(heard, BATCH_LEN) => match count {
                0 => Wake::Closed,
                _ => Wake::Heard,
            },
        }
    }

    /// The stamp is left to the store, whose clock is the one for all replicas.
    fn ticket(&mut self, heard: Heard) -> Ticket<u64> {
        self.number += 1;
        Ticket {
            mark: self.number,
            json: heard.json,
            stamp: None,
            handed_in: heard.at,
            parent: None,
            tries: 1,
            origin: None,
            verdict: None,
        }
    }

    /// Nothing of this is tried twice, and a dead letter is written if Redis takes it.
    async fn let_go(&mut self) {
        drop(self.hand.bury().await);
        let given_up = self.hand.give_up() as u64;
        if given_up > 0 {
            events::dropped(&self.metrics, Road::Channel, given_up);
        }
        self.hand.acknowledged(self.hand.done().len());
    }
}
