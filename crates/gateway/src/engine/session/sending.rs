//! What is sent to a session: at once where its wire is quiet, or by way of its outbox.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use notice::TaskKey;

use super::{Session, signed};
use crate::{
    encoded::Encoded,
    engine::{
        line::{Due, Line, Outcome, Transport},
        pulse::Beat,
    },
    events::Dropped,
};

/// How much of an event stream is handed to HTTP at once.
const STREAM_PART_BYTES: usize = 64 * 1024;

/// Something that a session has taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) transport: Transport,
    /// What went out with that, which need not be all of it.
    pub(crate) bytes: usize,
}

impl Session {
    /// Sends `encoded` to this client alone, now or as soon as it takes it. `None`: the session has left or
    /// leaves.
    pub(crate) fn send(self: &Arc<Self>, encoded: &Arc<Encoded>) -> Option<Sent> {
        let sent = self.hand(encoded, None)?;
        self.shared.events.sent(encoded, sent.bytes);
        Some(sent)
    }

    /// The same of a round, for who counts what is sent with the rest of it. With `task`, it is progress of that
    /// task and stands for all earlier progress that still waits.
    pub(crate) fn hand(
        self: &Arc<Self>,
        encoded: &Arc<Encoded>,
        task: Option<&TaskKey>,
    ) -> Option<Sent> {
        self.on_line(|line| line.send(self.wire(), self.dialect, encoded, task, &self.shared))
    }

    /// The same for several, which go in one write where the client takes it.
    pub(crate) fn hand_all<'a>(
        self: &Arc<Self>,
        all: impl Iterator<Item = Due<'a>> + Clone,
    ) -> Option<Sent> {
        self.on_line(|line| line.send_all(self.wire(), self.dialect, all, &self.shared))
    }

    fn on_line(self: &Arc<Self>, send: impl FnOnce(&mut Line) -> Outcome) -> Option<Sent> {
        let (outcome, delta, attended) = {
            let mut line = self.line.lock();
            let (before, attended) = (line.outbox.len_bytes(), line.is_attended());
            let outcome = send(&mut line);
            (outcome, signed(line.outbox.len_bytes()) - signed(before), attended)
        };
        self.shared.events.queued(delta);
        self.after_send(outcome, attended)
    }

    /// Whether the client takes what is sent next at once, as Socket.IO's `volatile` has it: nothing else
    /// waits, and of one that polls, a poll does.
    pub(crate) fn is_free(&self) -> bool {
        self.line.lock().is_free(self.wire())
    }

    fn after_send(self: &Arc<Self>, outcome: Outcome, attended: bool) -> Option<Sent> {
        match outcome {
            Outcome::Sent { transport, bytes, conflated, waits, arm } => {
                for _ in 0..conflated {
                    self.shared.events.dropped(Dropped::Superseded);
                }
                if arm {
                    let stall = self.shared.config.limits.stall;
                    self.shared.pulse.after(stall, Beat::Stall(Arc::downgrade(self)));
                }
                if waits && !attended {
                    self.waker.wake();
                }
                Some(Sent { transport, bytes })
            }
            Outcome::Gone => None,
            Outcome::Leave(departure) => {
                self.close(departure);
                None
            }
        }
    }

    /// For an event stream: takes what waits, or registers for when something does. `None`: the
    /// session is over.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        size: impl Fn(&Encoded) -> usize,
    ) -> Poll<Option<Vec<Arc<Encoded>>>> {
        self.waker.register(cx.waker());
        let (packets, taken, over) = {
            let mut line = self.line.lock();
            let before = line.outbox.len_bytes();
            let packets = line.take(STREAM_PART_BYTES, &size, self.shared.now_ms());
            (packets, before - line.outbox.len_bytes(), line.departure.is_some())
        };
        self.shared.events.queued(-signed(taken));
        self.shared.events.sent_bytes(packets.iter().map(|packet| size(packet)).sum());
        match (packets.is_empty(), over) {
            (false, _) => Poll::Ready(Some(packets)),
            (true, true) => Poll::Ready(None),
            (true, false) => Poll::Pending,
        }
    }

    /// Whether something waits for the wire, and is not dropped.
    pub(in crate::engine) fn has_to_write(&self) -> bool {
        let line = self.line.lock();
        !line.closed && line.waits(self.wire())
    }

    /// Writes what waits, as far as the wire takes it.
    pub(in crate::engine) fn flush(&self) -> std::io::Result<()> {
        let Some(wire) = self.wire.get() else { return Ok(()) };
        let (result, delta) = {
            let mut line = self.line.lock();
            let before = line.outbox.len_bytes();
            let result = line.flush(wire, self.dialect.frames(), self.shared.now_ms());
            (result, signed(line.outbox.len_bytes()) - signed(before))
        };
        self.shared.events.queued(delta);
        self.shared.events.sent_bytes(result?);
        Ok(())
    }
}
