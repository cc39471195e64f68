//! What no setting changes, alike on every bus.

use std::time::Duration;

/// The largest payload of a notice: as much as one call of the API may carry.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a count goes on after a plain notice, of which nothing else is kept.
pub(crate) const QUIET_AGE: Duration = Duration::from_mins(10);

/// Random letters and digits of an epoch: some 70 bits.
pub(crate) const EPOCH_LEN: usize = 12;
