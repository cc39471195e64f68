//! One Engine.IO session: the state that its connection, its polls, the hub and the pulse share.
//!
//! A session has one outbox for all its seats. Whoever has something for it writes at once when the
//! wire is quiet; otherwise it waits in the outbox, and the connection's own task, or the next poll,
//! takes it from there. Knows nothing of Socket.IO packets.
//!
//! Locks: `line` is held for a few lines and never while another is taken; it may be taken under the
//! session's seats.

mod sending;

use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

pub(crate) use self::sending::Sent;
use super::{
    busy::Busy,
    dialect::Dialect,
    line::{Line, Transport},
    pulse::Beat,
    said::Said,
    sid::SessionId,
    wire::Wire,
};
use crate::{
    departure::Departure,
    seat::Seats,
    shared::Shared,
    socket::{Brought, Partial},
};

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) dialect: Dialect,
    pub(crate) shared: Arc<Shared>,
    /// What the transport's own request brought: a namespace may be joined later.
    pub(crate) brought: Option<Box<Brought>>,
    pub(crate) address: IpAddr,
    pub(crate) opened_at: SystemTime,
    pub(crate) seats: Seats,
    /// A Socket.IO packet whose attachments have not all arrived.
    pub(crate) partial: Partial,
    /// Set once, by a WebSocket handshake or an upgrade.
    wire: OnceLock<Wire>,
    pub(super) line: Mutex<Line>,
    /// The one task that waits for this session: its WebSocket, its poll or its event stream.
    pub(super) waker: AtomicWaker,
    opened_ms: u64,
    /// When the last packet came in, on the gateway's clock.
    heard_ms: AtomicU64,
    /// When the next ping is due, or the last one was while it is unanswered.
    ping_due_ms: AtomicU64,
    /// The due time of the last ping that was sent.
    pinged_ms: AtomicU64,
    /// A CONNECT has been answered, with a seat or a refusal: the session may stay without a seat, for a
    /// client that was refused must not be made to come back.
    answered: AtomicBool,
    pub(super) busy: Busy,
    pub(super) said: Said,
}

impl Session {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        id: SessionId,
        dialect: Dialect,
        transport: Transport,
        brought: Option<Box<Brought>>,
        address: IpAddr,
    ) -> Arc<Self> {
        let now_ms = shared.now_ms();
        let first_ping = shared.config.ping_interval.mul_f64(rand::random_range(0.75..1.0));
        Arc::new(Self {
            id,
            dialect,
            shared: Arc::clone(shared),
            brought,
            address,
            opened_at: SystemTime::now(),
            seats: Seats::default(),
            partial: Partial::default(),
            wire: OnceLock::new(),
            line: Mutex::new(Line::new(transport)),
            waker: AtomicWaker::new(),
            opened_ms: now_ms,
            heard_ms: AtomicU64::new(now_ms),
            ping_due_ms: AtomicU64::new(now_ms + millis(first_ping)),
            pinged_ms: AtomicU64::new(0),
            answered: AtomicBool::new(false),
            busy: Busy::default(),
            said: Said::default(),
        })
    }

    /// Gives the session its WebSocket. Only the first call counts; the caller has made sure of that.
    pub(crate) fn set_wire(&self, wire: Wire) {
        if self.wire.set(wire).is_err() {
            tracing::error!("a session was given a second wire");
        }
    }

    pub(super) fn wire(&self) -> Option<&Wire> {
        self.wire.get()
    }

    pub(crate) fn transport(&self) -> Transport {
        self.line.lock().transport
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.line.lock().outbox.len_bytes()
    }

    /// Takes away what waits, which its client then never gets: for measurements.
    pub(crate) fn forget_queued(&self) {
        let dropped = self.line.lock().outbox.clear();
        self.shared.events.queued(-signed(dropped));
    }

    /// Lets a snapshot of `bytes` wait beside `limits.queue_bytes`: it comes at once, and a client that
    /// is put out for it would be put out again whenever it comes back.
    pub(crate) fn allow(&self, bytes: usize) {
        self.line.lock().allow(bytes, self.shared.config.limits.queue_bytes);
    }

    /// Lets the session go at once; what waits is dropped. The first reason counts.
    pub(crate) fn close(self: &Arc<Self>, departure: Departure) {
        let (was_open, dropped) = self.line.lock().close(departure);
        self.shared.events.queued(-signed(dropped));
        if was_open {
            self.depart(departure);
        }
        self.shared.sessions.remove(&self.id);
        self.waker.wake();
    }

    /// Lets the session go after what waits for it, with a word of why if it did not ask to. Its seats
    /// are empty from now on.
    pub(crate) fn leave(self: &Arc<Self>, departure: Departure) {
        self.leave_saying(departure, None);
    }

    /// The same with a word of somebody else's.
    pub(crate) fn leave_saying(self: &Arc<Self>, departure: Departure, reason: Option<&str>) {
        if departure != Departure::Client {
            for farewell in self.seats.farewells(self.dialect, departure, reason) {
                self.send(&farewell);
            }
        }
        if self.line.lock().end(departure) {
            self.depart(departure);
            let limit = self.shared.config.limits.stall.min(Duration::from_secs(2));
            self.shared.pulse.after(limit, Beat::Leave(Arc::downgrade(self)));
        }
        self.waker.wake();
    }

    fn depart(self: &Arc<Self>, departure: Departure) {
        self.seats.empty(departure);
        self.partial.forget();
        self.shared.events.departed(departure, self.address);
        self.shared.events.lasted(self.opened_at);
    }

    /// Why the session ended, once it has.
    pub(crate) fn departure(&self) -> Option<Departure> {
        self.line.lock().departure
    }

    // --- signs of life

    /// Notes that the client has said something.
    pub(crate) fn heard(&self) {
        self.heard_ms.store(self.shared.now_ms(), Ordering::Relaxed);
    }

    /// Notes that the client's first CONNECT has been answered.
    pub(crate) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// What the pulse asks for: sends a ping that is due, closes a session that is overdue, and says
    /// when to ask again.
    pub(super) fn beat(self: &Arc<Self>) -> Option<Duration> {
        if self.departure().is_some() {
            return None;
        }
        let now_ms = self.shared.now_ms();
        if let Some(departure) = self.overdue(now_ms) {
            self.close(departure);
            return None;
        }
        let heartbeat_ms = match self.dialect {
            Dialect::Engine3 { .. } => self.deadline_v3(),
            _ => self.ping(now_ms),
        };
        let next_ms = self.connect_deadline().map_or(heartbeat_ms, |at_ms| at_ms.min(heartbeat_ms));
        Some(Duration::from_millis(next_ms.saturating_sub(now_ms)))
    }

    /// Whether the session is past a deadline, even if the pulse has not come by yet.
    pub(crate) fn overdue(&self, now_ms: u64) -> Option<Departure> {
        if self.busy.is_so() {
            return None;
        }
        if self.connect_deadline().is_some_and(|at_ms| now_ms >= at_ms) {
            return Some(Departure::NoConnect);
        }
        let dead = match self.dialect {
            Dialect::Engine3 { .. } => now_ms >= self.deadline_v3(),
            Dialect::EventStream => false,
            _ => {
                let due_ms = self.ping_due_ms.load(Ordering::Relaxed);
                let unanswered = self.heard_ms.load(Ordering::Relaxed) < due_ms;
                unanswered && now_ms >= due_ms + millis(self.shared.config.ping_timeout)
            }
        };
        dead.then_some(Departure::PingTimeout)
    }

    fn deadline_v3(&self) -> u64 {
        let config = &self.shared.config;
        let silence = config.ping_interval + config.ping_timeout;
        self.heard_ms.load(Ordering::Relaxed) + millis(silence)
    }

    fn connect_deadline(&self) -> Option<u64> {
        let answered = self.answered.load(Ordering::Relaxed);
        let waits = !answered && self.shared.expects_connect(self.dialect);
        waits.then(|| self.opened_ms + millis(self.shared.config.limits.handshake))
    }

    /// Sends a ping if one is due. Gives the time of the next ping, or of this one's deadline.
    fn ping(self: &Arc<Self>, now_ms: u64) -> u64 {
        let config = &self.shared.config;
        let due_ms = self.ping_due_ms.load(Ordering::Relaxed);
        if now_ms < due_ms {
            return due_ms;
        }
        // However much a client says: one of Engine.IO 4 leaves when no ping comes.
        let pinged = self.pinged_ms.swap(due_ms, Ordering::Relaxed) == due_ms;
        if pinged && self.heard_ms.load(Ordering::Relaxed) >= due_ms {
            // Heard since the last ping was due: the next one comes an interval after that.
            let next_ms = due_ms + millis(config.ping_interval);
            self.ping_due_ms.store(next_ms.max(now_ms), Ordering::Relaxed);
            return next_ms.max(now_ms);
        }
        if !pinged {
            self.send(self.shared.ping(self.dialect));
        }
        if self.dialect == Dialect::EventStream {
            // Nothing comes back; the write itself shows whether somebody is there.
            self.heard();
        }
        due_ms + millis(config.ping_timeout)
    }

    /// For the pulse: closes a session that leaves, and was given its time for that.
    pub(super) fn gone(self: &Arc<Self>) {
        if let Some(departure) = self.departure() {
            self.close(departure);
        }
    }

    /// For the pulse: closes the session if its reader has stood still for `limits.stall`; otherwise
    /// how long until it would have, or `None` when nothing waits any more, or it leaves.
    pub(super) fn stalled_for(self: &Arc<Self>) -> Option<Duration> {
        let stall = self.shared.config.limits.stall;
        let now_ms = self.shared.now_ms();
        let (left, departure) = {
            let mut line = self.line.lock();
            (line.time_to_stall(self.wire(), now_ms, stall), line.departure)
        };
        match (left, departure) {
            (_, Some(_)) => None,
            (Some(left), None) if left.is_zero() => {
                self.close(Departure::Stalled);
                None
            }
            (left, None) => left,
        }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
