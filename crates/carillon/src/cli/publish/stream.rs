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
    let sorted = Sorted::of(batch.messages(), status);
    let pushed = feed.push_all(&sorted.messages).await;
    sorted.taken(pushed)
}

impl Sorted {
    fn of(messages: &[Vec<u8>], status: &StatusTable) -> Self {
        let mut sorted = Self::default();
        for (index, message) in messages.iter().enumerate() {
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

    fn taken(self, pushed: Result<(), PushError>) -> Taken {
        let Self { messages, places, rejected } = self;
        let Err(PushError { index, reason }) = pushed else {
            return Taken { accepted: messages.len(), rejected, ..Taken::default() };
        };
        let place = places[index];
        // Those behind it are looked at again with the rest.
        let rejected = rejected.into_iter().filter(|it| it.index < place).collect();
        let interrupted = Some((place, PAUSE));
        Taken { accepted: index, rejected, interrupted, message: reason, ..Taken::default() }
    }
}

#[cfg(test)]
mod tests {
    //! What became of a batch of which the stream took a part.

    use super::*;

    fn sorted() -> Sorted {
        let good = br#"{"identity":"a","userIdentity":5,"status":100}"#.to_vec();
        let bad = b"{".to_vec();
        let batch = [bad.clone(), good.clone(), bad.clone(), good.clone(), bad, good];
        Sorted::of(&batch, &StatusTable::default())
    }

    fn rejected(taken: &Taken) -> Vec<usize> {
        taken.rejected.iter().map(|rejection| rejection.index).collect()
    }

    #[test]
    fn what_is_garbage_is_rejected_at_its_place_and_the_rest_is_taken() {
        let taken = sorted().taken(Ok(()));
        assert_eq!((taken.accepted, rejected(&taken)), (3, vec![0, 2, 4]));
        assert_eq!(taken.interrupted, None);
    }

    #[test]
    fn it_goes_on_at_the_place_of_the_first_that_was_not_taken() {
        let taken = sorted().taken(Err(PushError { index: 1, reason: "away".to_owned() }));
        assert_eq!((taken.accepted, rejected(&taken)), (1, vec![0, 2]));
        assert_eq!(taken.interrupted, Some((3, PAUSE)));
    }
}
