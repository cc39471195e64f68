//! What clients say, on its way to the backend: a stream that keeps the newest of it.
//!
//! May enter: users, sockets by the ids that their clients know, what one of them said, as JSON. May not
//! enter: how it was said, and what the client is answered.
//! Promise: what a [`Receipt`] calls kept is in the stream; the entries of one sender are there in the order
//! in which they were handed in; a sender that fills its share is refused, and the others are not.

mod entry;
mod place;

use std::sync::Arc;

use notice::NodeId;
use tokio::sync::oneshot;

pub use self::{
    entry::{Entry, Said},
    place::Share,
};
pub(crate) use self::{
    entry::{Fields, Written},
    place::Place,
};
use crate::{embedded, error::UplinkError, metrics::Metrics, redis};

/// One node's way to the stream. Clones share it.
#[derive(Clone, Debug)]
pub struct Uplink {
    node: NodeId,
    road: Road,
    metrics: Metrics,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded(Arc<embedded::Kept>),
    Redis(redis::Upward),
}

/// Says what became of an entry, once that is known.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<String, UplinkError>>);

/// An entry on its way, and who waits for it. Settled or dropped, it gives its place free.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) written: Written,
    receipt: oneshot::Sender<Result<String, UplinkError>>,
    metrics: Metrics,
    place: Place,
}

impl Uplink {
    pub(crate) fn of_embedded(node: NodeId, kept: Arc<embedded::Kept>, metrics: Metrics) -> Self {
        Self { node, road: Road::Embedded(kept), metrics }
    }

    pub(crate) fn of_redis(node: NodeId, upward: redis::Upward, metrics: Metrics) -> Self {
        Self { node, road: Road::Redis(upward), metrics }
    }

    /// Hands in one entry, of the sender whose `share` this is. Does not wait: what is handed in one after
    /// the other is kept in that order.
    pub fn hand(&self, entry: &Entry, share: &Share) -> Result<Receipt, UplinkError> {
        let kind = entry.said.kind();
        let handed = self.handed(entry.written(&self.node), share);
        if let Err(error) = &handed {
            self.metrics.uplinked(kind, Err(error));
        }
        handed
    }

    fn handed(&self, written: Written, share: &Share) -> Result<Receipt, UplinkError> {
        let waiting = match &self.road {
            Road::Embedded(kept) => kept.waiting(),
            Road::Redis(upward) => upward.waiting(),
        };
        let place = Place::take(waiting, share, written.len_bytes())?;
        let (told, receipt) = oneshot::channel();
        let handed = Handed { written, receipt: told, metrics: self.metrics.clone(), place };
        match &self.road {
            Road::Embedded(kept) => kept.keep(handed),
            Road::Redis(upward) => upward.queue(handed)?,
        }
        Ok(Receipt(receipt))
    }
}

impl Receipt {
    /// The entry's id in the stream, or why it is not known to be there.
    pub async fn kept(self) -> Result<String, UplinkError> {
        self.0.await.unwrap_or(Err(UplinkError::Gone))
    }
}

impl Handed {
    /// Tells whoever waits, if somebody still does.
    pub(crate) fn settle(self, outcome: Result<String, UplinkError>) {
        let Self { written, receipt, metrics, place } = self;
        metrics.uplinked(written.kind, outcome.as_ref().map(drop));
        // Free before it is told, so that who waits may send the next.
        drop(place);
        drop(receipt.send(outcome));
    }
}
