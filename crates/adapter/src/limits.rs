//! What no setting changes, alike on every bus.

use std::time::Duration;

/// The largest payload of a notice: as much as one call of the API may carry.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a count goes on after a plain notice, of which nothing else is kept.
pub(crate) const QUIET_AGE: Duration = Duration::from_mins(10);

/// Plain notices of one audience that are kept for those who come back to their seats, and what they may hold
/// together. Past it, the oldest go, and who has not had them does not come back to its seat.
pub(crate) const RECENT_LEN_MAX: usize = 10_000;
pub(crate) const RECENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Seats that a bus in memory holds for their clients. One more is not held.
pub(crate) const SEATS_HELD_MAX: usize = 1_000_000;

/// Random letters and digits of an epoch: some 70 bits.
pub(crate) const EPOCH_LEN: usize = 12;

/// The largest signal: a large answer of a node with what stands around it.
pub(crate) const SIGNAL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Watches of one node. One more is refused.
pub(crate) const WATCHES_MAX: usize = 10_000;

/// Nodes on one bus. One more gets no lease, and is asked nothing.
pub(crate) const NODES_MAX: usize = 1_000;

/// What a node says about itself. More is not announced.
pub(crate) const ABOUT_BYTES_MAX: usize = 16 * 1024;

/// Questions that wait on one node. One more is refused at once.
pub(crate) const REQUESTS_LEN_MAX: usize = 256;

/// Questions that one node has asked and still waits for. One more is refused.
pub(crate) const QUESTIONS_MAX: usize = 256;

/// One node's answer. A larger one is not sent. A few at once must stay below what Redis lets a
/// subscriber fall behind, 32 MiB unless told otherwise.
pub(crate) const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// All answers to one question. What goes past it counts as missing.
pub(crate) const ANSWERS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Entries that the stream of what clients say keeps, nearly; the oldest go.
pub(crate) const UPLINK_LEN_MAX: usize = 100_000;

/// What clients have said on one node and is on its way to the stream, all together.
pub(crate) const UPLINK_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The same of one sender, and so the largest entry with its price.
pub(crate) const UPLINK_SHARE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The price of an entry beside its fields.
pub(crate) const UPLINK_ENTRY_BYTES: usize = 1024;

/// Revocations in one reading of them.
pub(crate) const REVOCATIONS_READ_MAX: usize = 1_000;
