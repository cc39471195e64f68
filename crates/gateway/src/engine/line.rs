//! The part of a session that one lock guards: which transport carries it, and what waits for it.

mod writing;

use std::{io, mem, sync::Arc, time::Duration};

use bytes::Bytes;
use notice::TaskKey;

pub(super) use self::writing::Due;
use self::writing::{Out, write};
use super::{
    dialect::Dialect,
    outbox::{Outbox, Pushed},
    polls::Polls,
    session::millis,
    wire::Wire,
};
use crate::{departure::Departure, encoded::Encoded, shared::Shared};

/// A snapshot may wait behind so many times `limits.queue_bytes` of others.
const BEHIND_MAX: usize = 2;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transport {
    Polling,
    /// Polling, with a WebSocket that has been probed and not taken over yet.
    Upgrading,
    WebSocket,
    /// Server-sent events.
    Stream,
    /// The same, to an operator who watches.
    Tail,
}

impl Transport {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Polling | Self::Upgrading => "polling",
            Self::WebSocket => "websocket",
            Self::Stream => "sse",
            Self::Tail => "tail",
        }
    }
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) transport: Transport,
    /// A poll is parked, waiting for something to send.
    pub(super) polled: bool,
    /// So many more polls are ended at once for an upgrade to go on.
    pub(super) nudges: u8,
    /// Of a client that polls, and says of each poll which it is.
    pub(super) polls: Option<Box<Polls>>,
    pub(super) outbox: Outbox,
    /// Set when the session leaves: from then on nothing is added.
    pub(super) departure: Option<Departure>,
    /// Nothing is written any more either.
    pub(super) closed: bool,
    /// What may wait beyond `limits.queue_bytes`, as it is a snapshot. Forgotten when
    /// the pulse finds that nothing waits.
    pub(super) allowance_bytes: usize,
    /// When the client last took something of what waits.
    moved_ms: u64,
    /// The pulse has been told to look at this session's stall.
    stall_armed: bool,
}

/// What became of something to send.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// Taken, and perhaps out. `conflated`: so many that waited need not go any more.
    Sent {
        transport: Transport,
        /// What of it is out already, and of what waited before it.
        bytes: usize,
        conflated: usize,
        waits: bool,
        arm: bool,
    },
    Gone,
    Leave(Departure),
}

impl Line {
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            polled: false,
            nudges: 0,
            polls: None,
            outbox: Outbox::default(),
            departure: None,
            closed: false,
            allowance_bytes: 0,
            moved_ms: 0,
            stall_armed: false,
        }
    }

    pub(super) fn send(
        &mut self,
        wire: Option<&Wire>,
        dialect: Dialect,
        encoded: &Arc<Encoded>,
        task: Option<&TaskKey>,
        shared: &Shared,
    ) -> Outcome {
        if self.departure.is_some() {
            return Outcome::Gone;
        }
        let mut written = 0;
        if let (Transport::WebSocket, Some(wire), true) =
            (self.transport, wire, self.outbox.is_empty())
        {
            let frames = dialect.frames()(encoded);
            match wire.try_write(frames) {
                Ok(all) if all == frames.len() => return self.taken_by(wire, all, 0, shared),
                Ok(part) => written = part,
                Err(_) => return Outcome::Leave(Departure::TransportError),
            }
        }
        self.queue(encoded, task, written, shared)
    }

    /// Sends several in one go, in as few writes as there may be. What the client takes at once needs no queue.
    pub(super) fn send_all<'a>(
        &mut self,
        wire: Option<&Wire>,
        dialect: Dialect,
        mut all: impl Iterator<Item = Due<'a>> + Clone,
        shared: &Shared,
    ) -> Outcome {
        if self.departure.is_some() {
            return Outcome::Gone;
        }
        let is_free = self.transport == Transport::WebSocket && self.is_free(wire);
        let out = match wire.filter(|_| is_free) {
            Some(wire) => write(wire, dialect.frames(), &mut all),
            None => Ok(Out::default()),
        };
        let Ok(Out { bytes, mut of_the_next }) = out else {
            return Outcome::Leave(Departure::TransportError);
        };
        let mut conflated = 0;
        for (encoded, task) in all {
            match self.push(encoded, task, shared) {
                Pushed::Full => return Outcome::Leave(Departure::Slow),
                Pushed::Conflated => conflated += 1,
                Pushed::Waiting => {}
            }
            self.outbox.head_written_if(mem::take(&mut of_the_next));
        }
        match wire.filter(|_| self.outbox.is_empty()) {
            Some(wire) => self.taken_by(wire, bytes, conflated, shared),
            None => self.sent(wire, bytes, conflated),
        }
    }

    /// Lets a snapshot wait behind others, but not behind ever more of them: nobody has to take those for which it asks.
    pub(super) fn allow(&mut self, bytes: usize, queue_bytes: usize) {
        let behind = self.outbox.len_bytes().min(queue_bytes.saturating_mul(BEHIND_MAX));
        self.allowance_bytes = self.allowance_bytes.max(behind + bytes);
    }

    /// `wire` has taken all there was, and may still hold the end of it.
    fn taken_by(
        &mut self,
        wire: &Wire,
        bytes: usize,
        conflated: usize,
        shared: &Shared,
    ) -> Outcome {
        if wire.holds() {
            self.moved_ms = shared.now_ms();
        }
        self.sent(Some(wire), bytes, conflated)
    }

    /// Whether something is not out yet, here or on the wire.
    pub(super) fn waits(&self, wire: Option<&Wire>) -> bool {
        !self.outbox.is_empty() || wire.is_some_and(Wire::holds)
    }

    /// Whether the connection's own task waits for the wire already: it need not be woken for more.
    pub(super) fn is_attended(&self) -> bool {
        self.transport == Transport::WebSocket && !self.outbox.is_empty()
    }

    /// Whether the client takes what is sent next without more from its side.
    pub(super) fn is_free(&self, wire: Option<&Wire>) -> bool {
        let is_polled = match self.transport {
            Transport::Polling | Transport::Upgrading => self.polled,
            Transport::WebSocket | Transport::Stream | Transport::Tail => true,
        };
        is_polled && !self.waits(wire)
    }

    fn queue(
        &mut self,
        encoded: &Arc<Encoded>,
        task: Option<&TaskKey>,
        written: usize,
        shared: &Shared,
    ) -> Outcome {
        let pushed = self.push(encoded, task, shared);
        self.outbox.head_written_if(written);
        match pushed {
            Pushed::Full => Outcome::Leave(Departure::Slow),
            pushed => self.sent(None, written, usize::from(pushed == Pushed::Conflated)),
        }
    }

    fn push(&mut self, encoded: &Arc<Encoded>, task: Option<&TaskKey>, shared: &Shared) -> Pushed {
        if self.outbox.is_empty() {
            self.moved_ms = shared.now_ms();
        }
        let bytes_max = shared.config.limits.queue_bytes.saturating_add(self.allowance_bytes);
        self.outbox.push(encoded, task, bytes_max)
    }

    fn sent(&mut self, wire: Option<&Wire>, bytes: usize, conflated: usize) -> Outcome {
        let waits = self.waits(wire);
        let arm = waits && !mem::replace(&mut self.stall_armed, true);
        Outcome::Sent { transport: self.transport, bytes, conflated, waits, arm }
    }

    /// Writes what waits until the wire takes no more. Says how many bytes that were.
    pub(super) fn flush(
        &mut self,
        wire: &Wire,
        form: fn(&Encoded) -> &Bytes,
        now_ms: u64,
    ) -> io::Result<usize> {
        let mut bytes = 0;
        loop {
            if wire.try_flush()? > 0 {
                self.moved_ms = now_ms;
            }
            if self.outbox.is_empty() || wire.holds() {
                return Ok(bytes);
            }
            let written = self.outbox.write_with(form, |slices| wire.try_write_vectored(slices))?;
            if written == 0 {
                return Ok(bytes);
            }
            bytes += written;
            self.moved_ms = now_ms;
        }
    }

    /// Takes what fits into one polling body of `bytes_max`.
    pub(super) fn take(
        &mut self,
        bytes_max: usize,
        size: impl Fn(&Encoded) -> usize,
        now_ms: u64,
    ) -> Vec<Arc<Encoded>> {
        self.moved_ms = now_ms;
        self.outbox.take(bytes_max, size)
    }

    /// Whether an empty poll is to end at once, since its client is about to change over.
    pub(super) fn is_nudged(&mut self) -> bool {
        let is_nudged = self.transport == Transport::Upgrading && self.nudges > 0;
        self.nudges -= u8::from(is_nudged);
        is_nudged
    }

    /// Ends the session when what waits is out. `false`: it was ending already.
    pub(super) fn end(&mut self, departure: Departure) -> bool {
        let first = self.departure.is_none();
        self.departure.get_or_insert(departure);
        first
    }

    /// Ends the session now. Says whether it was open, and how many bytes were dropped.
    pub(super) fn close(&mut self, departure: Departure) -> (bool, usize) {
        self.closed = true;
        (self.end(departure), self.outbox.clear())
    }

    /// How long the reader may still stand still; `None` when nothing waits.
    pub(super) fn time_to_stall(
        &mut self,
        wire: Option<&Wire>,
        now_ms: u64,
        stall: Duration,
    ) -> Option<Duration> {
        if !self.waits(wire) {
            self.stall_armed = false;
            self.allowance_bytes = 0;
            return None;
        }
        let at_ms = self.moved_ms + millis(stall);
        Some(Duration::from_millis(at_ms.saturating_sub(now_ms)))
    }
}
