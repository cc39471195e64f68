//! `XADD`, from the caller's side: the stream that nodes read worker messages from.
//!
//! Promise: what no node could read is told here and not added, so that it is no dead letter later.

use std::time::Duration;

use bytes::Bytes;
use ingest::{Explanation, PushError, RedisFeed};
use notice::StatusTable;

use crate::cli::publish::{
    batch::Batch,
    taken::{Rejection, Taken},
};

/// The wait after Redis did not take a message.
const PAUSE: Duration = Duration::from_secs(1);

/// Each message that was looked at: whether it is to be added, and its place in the batch.
#[derive(Debug, Default)]
struct Sorted {
    messages: Vec<Bytes>,
    places: Vec<usize>,
    rejected: Vec<Rejection>,
}

pub(super) async fn add(feed: &RedisFeed, status: &StatusTable, batch: &Batch) -> Taken {
    let Sorted { messages, places, rejected } = Sorted::of(batch, status);
    match feed.push_all(&messages).await {
        Ok(()) => Taken { accepted: messages.len(), rejected, ..Taken::default() },
        Err(PushError { index, reason }) => {
            let place = places[index];
            // Those behind it are looked at again with the rest.
            let rejected = rejected.into_iter().filter(|it| it.index < place).collect();
            let interrupted = Some((place, PAUSE));
            Taken { accepted: index, rejected, interrupted, message: reason, ..Taken::default() }
        }
    }
}

impl Sorted {
    fn of(batch: &Batch, status: &StatusTable) -> Self {
        let mut sorted = Self::default();
        for (index, message) in batch.messages().iter().enumerate() {
            match ingest::explain(message, status) {
                Explanation::Becomes { .. } => {
                    sorted.messages.push(message.clone().into());
                    sorted.places.push(index);
                }
                Explanation::Refused { error, .. } => {
                    sorted.rejected.push(Rejection { index, error });
                }
            }
        }
        sorted
    }
}
