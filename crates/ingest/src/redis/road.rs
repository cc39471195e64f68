//! The loop of one queue: read, hand over, acknowledge; keep what is in hand; wait when Redis or the bus
//! is away.
//!
//! May not enter: which commands that takes. A [`Reader`] reads, its [`Receipts`] acknowledge.

use std::{future::Future, hash::Hash, time::Duration};

use fred::error::Error;
use tokio::{
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    events,
    metrics::Road as Label,
    redis::{hand::Hand, ticket::Ticket, wire::lasting},
};

/// Why a read's task always ends with what it read.
const READ: &str = "a read neither panics nor is given up before its road";

/// Messages acknowledged by one command.
const ACKNOWLEDGE_LEN: usize = 1_000;

/// Reads one queue. It is lent to the read that is under way, beside which the last batch is published.
pub(super) trait Reader: Send + Sized + 'static {
    type Mark: Clone + Eq + Hash + Send + Sync;
    type Receipts: Receipts<Mark = Self::Mark>;

    /// Waits a while for up to `len_max` messages; `in_hand` are not acknowledged yet.
    fn read(
        &mut self,
        len_max: usize,
        in_hand: usize,
    ) -> impl Future<Output = Result<Vec<Ticket<Self::Mark>>, Error>> + Send;

    /// The connection was gone: what was read may be lost on its way, and is to be looked for.
    fn start_over(&mut self);

    /// The last words, with everything acknowledged that will be.
    fn leave(self) -> impl Future<Output = Result<(), Error>> + Send;
}

pub(super) trait Receipts: Send {
    type Mark;

    fn acknowledge(&self, marks: &[Self::Mark]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Says that these are still being worked on.
    fn keep(&self, marks: &[Self::Mark]) -> impl Future<Output = Result<(), Error>> + Send;
}

type Read<R> = (R, Result<Vec<Ticket<<R as Reader>::Mark>>, Error>);

pub(super) struct Road<R: Reader> {
    label: Label,
    /// `None` while a read is under way, which has it.
    reader: Option<R>,
    /// At most one task.
    reading: JoinSet<Read<R>>,
    receipts: R::Receipts,
    hand: Hand<R::Mark>,
    backoff: Backoff,
    /// No read begins before, and what failed is tried again then.
    again_at: Option<Instant>,
    /// Whether the last read was answered.
    is_readable: bool,
    /// Whether the log has heard that nothing goes on.
    is_stalled: bool,
    keep_every: Duration,
    keeps: Interval,
}

enum Wake<R: Reader> {
    Stop,
    Again,
    Due,
    Keep,
    Read(R, Result<Vec<Ticket<R::Mark>>, Error>),
}

impl<R: Reader> Road<R> {
    pub(super) fn new(
        label: Label,
        (reader, receipts): (R, R::Receipts),
        hand: Hand<R::Mark>,
        backoff: Backoff,
        keep_every: Duration,
    ) -> Self {
        let mut keeps = interval(keep_every);
        keeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            label,
            reader: Some(reader),
            reading: JoinSet::new(),
            receipts,
            hand,
            backoff,
            again_at: None,
            is_readable: false,
            is_stalled: false,
            keep_every,
            keeps,
        }
    }

    /// Reads until `stop`; then publishes and acknowledges what is in hand, as far as that goes at once.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            self.begin_read();
            match self.wake(&stop).await {
                Wake::Stop => return self.drain().await,
                Wake::Again => {
                    self.again_at = None;
                    self.hand.try_again().await;
                    // Now, for should it fail once more, nothing would ever be read.
                    self.begin_read();
                }
                Wake::Due => self.hand.flush().await,
                Wake::Keep => self.keep().await,
                Wake::Read(reader, read) => self.take(reader, read).await,
            }
            self.finish().await;
        }
    }

    fn begin_read(&mut self) {
        let (len_max, in_hand) = (self.hand.room(), self.hand.len());
        if len_max == 0 || self.again_at.is_some() {
            return;
        }
        if let Some(mut reader) = self.reader.take() {
            self.reading.spawn(async move {
                let read = reader.read(len_max, in_hand).await;
                (reader, read)
            });
        }
    }

    async fn wake(&mut self, stop: &CancellationToken) -> Wake<R> {
        let due = self.hand.due().filter(|_| self.again_at.is_none());
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            () = until(self.again_at) => Wake::Again,
            _ = self.keeps.tick() => Wake::Keep,
            Some(read) = self.reading.join_next() => {
                let (reader, read) = read.expect(READ);
                Wake::Read(reader, read)
            }
            // Last, for what is due goes with every batch that was read.
            () = until(due) => Wake::Due,
        }
    }

    async fn take(&mut self, mut reader: R, read: Result<Vec<Ticket<R::Mark>>, Error>) {
        match read {
            Ok(tickets) => {
                self.is_readable = true;
                self.hand.receive(tickets);
                self.reader = Some(reader);
                self.begin_read();
                self.hand.try_fresh().await;
            }
            Err(error) => {
                self.is_readable = false;
                reader.start_over();
                self.reader = Some(reader);
                self.stalls(Some(&error));
            }
        }
    }

    /// Buries and acknowledges what can be, and sees to another try where something could not.
    async fn finish(&mut self) {
        let finished = self.settle_accounts().await;
        if let Err(error) = finished {
            self.stalls(Some(&error));
        } else if self.hand.is_stuck() {
            self.stalls(None);
        } else if self.is_readable && self.again_at.is_none() {
            self.goes_on();
        }
    }

    async fn settle_accounts(&mut self) -> Result<(), Error> {
        let buried = self.hand.bury().await;
        for marks in self.hand.done().chunks(ACKNOWLEDGE_LEN) {
            self.receipts.acknowledge(marks).await?;
            self.hand.acknowledged(marks.len());
        }
        buried
    }

    async fn keep(&mut self) {
        let Some(since) = Instant::now().checked_sub(self.keep_every) else { return };
        // Should it fail, the read fails too and says so; and another replica may take over.
        drop(self.receipts.keep(&self.hand.held_since(since)).await);
    }

    /// Something waits for another try: `error` from Redis, or else the bus took no more.
    fn stalls(&mut self, error: Option<&Error>) {
        if self.again_at.is_some() {
            return;
        }
        let wait = self.backoff.next();
        self.again_at = Some(Instant::now() + wait);
        if !std::mem::replace(&mut self.is_stalled, true) {
            match error.map(|error| (lasting(error), error)) {
                None => events::held_up(self.hand.len(), wait),
                Some((Some(reason), _)) => events::road_blocked(self.label, &reason),
                Some((None, error)) => events::road_stalled(self.label, error.details()),
            }
        }
    }

    fn goes_on(&mut self) {
        self.backoff.reset();
        if std::mem::take(&mut self.is_stalled) {
            events::road_open(self.label);
        }
    }

    async fn drain(mut self) {
        if self.is_stalled {
            // Nobody would answer.
            return events::left_behind(self.label, self.hand.len());
        }
        if let Some(read) = self.reading.join_next().await {
            let (reader, read) = read.expect(READ);
            self.reader = Some(reader);
            self.hand.receive(read.unwrap_or_default());
            self.hand.try_fresh().await;
        }
        self.hand.try_again().await;
        self.hand.flush_all().await;
        // What is not acknowledged stays in Redis, for whoever comes next.
        drop(self.settle_accounts().await);
        if self.hand.len() > 0 {
            events::left_behind(self.label, self.hand.len());
        }
        if let Some(reader) = self.reader {
            drop(reader.leave().await);
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
