//! How much a session says, against what it may: packets, events and bytes.

use std::time::Duration;

use super::{pace::Pace, session::Session};

/// How far a socket may be ahead of its rate: so many seconds' worth of events at once.
const EVENTS_AHEAD: Duration = Duration::from_secs(1);
/// And of packets, the refused events among them, before it must leave.
const PACKETS_AHEAD: Duration = Duration::from_secs(3);
/// And of bytes.
const BYTES_AHEAD: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Said {
    packets: Pace,
    events: Pace,
    bytes: Pace,
}

impl Session {
    /// Counts one packet; `false` for who goes on past `limits.packets_per_second`.
    pub(super) fn is_bearable(&self) -> bool {
        let per_second = u64::from(self.shared.config.limits.packets_per_second);
        self.said.packets.take(1, self.shared.now_us(), per_second, PACKETS_AHEAD)
    }

    /// Counts one event; `false` past `limits.events_per_second`.
    pub(crate) fn is_within_pace(&self) -> bool {
        let per_second = u64::from(self.shared.config.limits.events_per_second);
        self.said.events.take(1, self.shared.now_us(), per_second, EVENTS_AHEAD)
    }

    /// Counts bytes; `false` for who goes on past `limits.bytes_per_second`. The largest message is never too
    /// much by itself.
    pub(super) fn may_send(&self, bytes: usize) -> bool {
        let limits = &self.shared.config.limits;
        let per_second = limits.bytes_per_second as u64;
        let one_message = Duration::from_secs(2 * limits.payload_bytes as u64 / per_second);
        let ahead = BYTES_AHEAD.max(one_message);
        self.said.bytes.take(bytes as u64, self.shared.now_us(), per_second, ahead)
    }
}
