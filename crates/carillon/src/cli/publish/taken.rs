//! What became of a batch, by whichever road it went.

use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Default)]
pub(super) struct Taken {
    /// All well-formed ones that were taken.
    pub(super) accepted: usize,
    pub(super) superseded: usize,
    pub(super) after_final: usize,
    pub(super) rejected: Vec<Rejection>,
    /// The first message that was not taken, when it could not go on, and how long to wait before it is
    /// tried again.
    pub(super) interrupted: Option<(usize, Duration)>,
    /// Why it could not go on.
    pub(super) message: String,
}

/// A message that will never be taken.
#[derive(Debug, Deserialize)]
pub(super) struct Rejection {
    /// Its place in the batch.
    pub(super) index: usize,
    pub(super) error: String,
}
