//! The stream: each entry goes to one consumer of the group, stays pending until it is acknowledged, and
//! is taken over from a consumer that does not come back.
//!
//! What is acknowledged is trimmed at intervals up to the oldest entry that any group still needs, not
//! deleted one by one: that drops whole blocks of entries, where a deletion walks through its block for
//! each of them, and leaves Redis able to count the lag. A frozen entry holds the trimming up no longer
//! than until it is taken over.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use fred::{clients::Client, error::Error, types::Value};
use notice::{Stamp, TraceParent};
use tokio::time::Instant;

use crate::{
    events,
    redis::{
        keys::GROUP,
        road::{Reader, Receipts},
        ticket::{NO_JSON, Ticket, Verdict},
        wire::{
            RawEntry, array, blocking_call, call, entries, entries_of_read, id_of, is_groupless,
            parts, text_of, time_of, words,
        },
    },
};

/// How long one read waits for an entry. A stop waits for it too.
const BLOCK: Duration = Duration::from_millis(500);
/// Pending entries looked at in one trip.
const PENDING_LEN: usize = 1_000;

/// One consumer of the stream.
#[derive(Debug)]
pub(super) struct Stream {
    /// For reads that block.
    pub(super) reading: Client,
    pub(super) asking: Client,
    pub(super) key: String,
    pub(super) consumer: String,
    /// How long an entry may stand still in another's hands.
    pub(super) claim_idle: Duration,
    pub(super) tries_max: u32,
}

pub(super) struct StreamReader {
    stream: Arc<Stream>,
    stage: Stage,
    claim_at: Instant,
    claim_from: String,
}

/// What is read next.
#[derive(Clone, Copy)]
enum Stage {
    /// Whether there is a group is not known.
    Group,
    /// What this consumer was given before, behind this id.
    Own(Stamp),
    New,
}

pub(super) struct StreamReceipts(pub(super) Arc<Stream>);

const START: Stamp = Stamp { millis: 0, count: 0 };

// === impl StreamReader ===

impl StreamReader {
    pub(super) fn new(stream: Arc<Stream>) -> Self {
        let (stage, claim_at) = (Stage::Group, Instant::now());
        Self { stream, stage, claim_at, claim_from: "0-0".to_owned() }
    }

    async fn next(&mut self, len_max: usize) -> Result<Vec<Ticket<Stamp>>, Error> {
        if let Stage::Group = self.stage {
            self.stream.make_group().await?;
            self.stage = Stage::Own(START);
        }
        if let Stage::Own(after) = self.stage {
            let own = self.stream.read_own(after, len_max).await?;
            self.stage = own.last().map_or(Stage::New, |last| Stage::Own(last.id));
            if !own.is_empty() {
                return self.stream.tickets_again(own).await;
            }
        }
        if Instant::now() >= self.claim_at {
            let claimed = self.claim(len_max).await?;
            if !claimed.is_empty() {
                return self.stream.tickets_again(claimed).await;
            }
        }
        let new = self.stream.read_new(len_max).await?;
        Ok(new.into_iter().map(|entry| ticket(&entry, 1)).collect())
    }

    /// One page of what stood still for too long; the next page at once, the next round later.
    async fn claim(&mut self, len_max: usize) -> Result<Vec<RawEntry>, Error> {
        let (cursor, claimed) = self.stream.claim(&self.claim_from, len_max).await?;
        if cursor == "0-0" {
            // Replicas that began together need not ask together.
            let wait = self.stream.claim_idle.mul_f64(rand::random_range(0.25..0.5));
            self.claim_at = Instant::now() + wait;
        }
        self.claim_from = cursor;
        Ok(claimed)
    }
}

impl Reader for StreamReader {
    type Mark = Stamp;
    type Receipts = StreamReceipts;

    async fn read(&mut self, len_max: usize, _: usize) -> Result<Vec<Ticket<Stamp>>, Error> {
        match self.next(len_max).await {
            // Somebody emptied Redis: what was in the stream is gone, what comes is taken.
            Err(error) if is_groupless(&error) => {
                if self.stream.make_group().await? {
                    events::group_made_again();
                }
                self.stage = Stage::Own(START);
                Ok(Vec::new())
            }
            read => read,
        }
    }

    fn start_over(&mut self) {
        self.stage = Stage::Group;
    }

    async fn leave(self) -> Result<(), Error> {
        Ok(())
    }
}

// === impl StreamReceipts ===

impl Receipts for StreamReceipts {
    type Mark = Stamp;

    async fn acknowledge(&self, marks: &[Stamp]) -> Result<(), Error> {
        let mut args = words([&self.0.key, GROUP]);
        args.extend(marks.iter().map(|id| Value::from(text_of(*id))));
        call(&self.0.asking, "XACK", 0, args).await.map(drop)
    }

    /// So that nobody takes over what waits here for the bus. What was tried and did not end us counts as
    /// given once: an outage of the bus makes no dead letters.
    async fn keep(&self, marks: &[Stamp]) -> Result<(), Error> {
        for marks in marks.chunks(1_000) {
            let mut args = words([&self.0.key, GROUP, &self.0.consumer, "0"]);
            args.extend(marks.iter().map(|id| Value::from(text_of(*id))));
            args.extend(words(["RETRYCOUNT", "1", "JUSTID"]));
            call(&self.0.asking, "XCLAIM", 0, args).await?;
        }
        Ok(())
    }
}

// === impl Stream ===

impl Stream {
    /// Whether there was none.
    async fn make_group(&self) -> Result<bool, Error> {
        let args = words(["CREATE", &self.key, GROUP, "0", "MKSTREAM"]);
        match call(&self.asking, "XGROUP", 1, args).await {
            Ok(_) => Ok(true),
            Err(error) if error.details().starts_with("BUSYGROUP") => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn read_own(&self, after: Stamp, len_max: usize) -> Result<Vec<RawEntry>, Error> {
        let (count, after) = (len_max.to_string(), text_of(after));
        let group = ["GROUP", GROUP, &self.consumer, "COUNT", &count, "STREAMS", &self.key, &after];
        call(&self.asking, "XREADGROUP", 6, words(group)).await.map(entries_of_read)
    }

    async fn read_new(&self, len_max: usize) -> Result<Vec<RawEntry>, Error> {
        let (count, block) = (len_max.to_string(), BLOCK.as_millis().to_string());
        let mut args = words(["GROUP", GROUP, &self.consumer, "COUNT", &count, "BLOCK", &block]);
        args.extend(words(["STREAMS", &self.key, ">"]));
        blocking_call(&self.reading, ("XREADGROUP", 8), args, BLOCK).await.map(entries_of_read)
    }

    /// The cursor of the next page, and this one.
    async fn claim(&self, from: &str, len_max: usize) -> Result<(String, Vec<RawEntry>), Error> {
        let (idle, count) = (self.claim_idle.as_millis().to_string(), len_max.to_string());
        let args = words([&self.key, GROUP, &self.consumer, &idle, from, "COUNT", &count]);
        let mut answer = array(call(&self.asking, "XAUTOCLAIM", 0, args).await?).into_iter();
        let cursor = answer.next().and_then(Value::into_string);
        let claimed = answer.next().map_or_else(Vec::new, entries);
        Ok((cursor.unwrap_or_else(|| "0-0".to_owned()), claimed))
    }

    /// Tickets for what was given before, to us or to another: some of it for the last time.
    async fn tickets_again(&self, again: Vec<RawEntry>) -> Result<Vec<Ticket<Stamp>>, Error> {
        let tries = self.tries(&again).await?;
        let ticket_of = |entry: RawEntry| {
            let tries = tries.get(&entry.id).copied().unwrap_or(1);
            let mut ticket = ticket(&entry, tries);
            if tries > self.tries_max {
                let tries = tries - 1;
                let error = format!(
                    "publish message: {tries} consumers took it and none came back, expected one"
                );
                ticket.tries = tries;
                ticket.verdict = Some(Verdict { reason: "tries", error });
            }
            ticket
        };
        // Deleted by somebody while it was pending: there is nothing left but to acknowledge it.
        let (left, gone): (Vec<_>, Vec<_>) =
            again.into_iter().partition(|entry| !entry.fields.is_empty());
        if !gone.is_empty() {
            let mut args = words([&self.key, GROUP]);
            args.extend(gone.iter().map(|entry| Value::from(text_of(entry.id))));
            call(&self.asking, "XACK", 0, args).await?;
        }
        Ok(left.into_iter().map(ticket_of).collect())
    }

    /// How often each was given to somebody.
    async fn tries(&self, entries: &[RawEntry]) -> Result<HashMap<Stamp, u32>, Error> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(HashMap::new());
        };
        let (mut tries, len_max) = (HashMap::new(), PENDING_LEN.to_string());
        let (mut from, to) = (text_of(first.id), text_of(last.id));
        loop {
            let page = [&self.key, GROUP, &from, &to, &len_max, &self.consumer];
            let page = array(call(&self.asking, "XPENDING", 0, words(page)).await?);
            let len = page.len();
            tries.extend(page.into_iter().filter_map(pending));
            let Some(last) = tries.keys().max().filter(|_| len == PENDING_LEN) else {
                return Ok(tries);
            };
            from = format!("({}", text_of(*last));
        }
    }
}

/// An entry that is pending, and how often it was given to somebody.
fn pending(told: Value) -> Option<(Stamp, u32)> {
    let [id, _consumer, _idle, count] = parts(told);
    let count = u32::try_from(count.as_u64()?).unwrap_or(u32::MAX);
    Some((id_of(&id.as_str()?)?, count))
}

fn ticket(entry: &RawEntry, tries: u32) -> Ticket<Stamp> {
    let id = entry.id;
    let (json, verdict) = match message(&entry.fields) {
        Some(json) => (json, None),
        None => (as_json(&entry.fields), Some(no_json(&entry.fields))),
    };
    let handed_in = time_of(id).min(SystemTime::now());
    let (stamp, origin, parent) = (Some(id), Some(text_of(id)), parent(&entry.fields));
    Ticket { mark: id, json, stamp, handed_in, parent, tries, origin, verdict }
}

fn parent(fields: &[(Bytes, Bytes)]) -> Option<TraceParent> {
    let text = |name| std::str::from_utf8(field(fields, name)?).ok();
    Some(TraceParent::parse(text("traceparent")?)?.beside(text("tracestate")))
}

/// The message, or the emit as the message that carries it.
fn message(fields: &[(Bytes, Bytes)]) -> Option<Bytes> {
    field(fields, "json").cloned().or_else(|| {
        let emit = field(fields, "emit")?;
        Some([b"{\"emit\":", &emit[..], b"}"].concat().into())
    })
}

fn field<'a>(fields: &'a [(Bytes, Bytes)], name: &str) -> Option<&'a Bytes> {
    fields.iter().find(|(of, _)| of == name).map(|(_, value)| value)
}

fn no_json(fields: &[(Bytes, Bytes)]) -> Verdict {
    let names: Vec<_> = fields.iter().take(8).map(|(name, _)| short(name)).collect();
    let error = format!("read entry: got the fields {names:?}, expected one named json or emit");
    Verdict { reason: NO_JSON, error }
}

fn short(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(64).collect()
}

/// All fields in an object, for a person to look at.
fn as_json(fields: &[(Bytes, Bytes)]) -> Bytes {
    let text = |bytes| serde_json::Value::from(String::from_utf8_lossy(bytes));
    let object: serde_json::Map<_, _> = fields
        .iter()
        .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), text(value)))
        .collect();
    serde_json::Value::Object(object).to_string().into()
}
