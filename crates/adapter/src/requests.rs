//! What other nodes ask of this one.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use notice::NodeId;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    asking::{Replies, Said},
    limits::{ANSWER_BYTES_MAX, REQUESTS_LEN_MAX},
    redis,
};

/// The questions to this node, in the order of each asker. Dropped, the node is taken for one that
/// answers nothing, and nobody misses its answers.
#[derive(Debug)]
pub struct Requests {
    queue: mpsc::Receiver<Request>,
    gone: CancellationToken,
}

/// One question. Dropped, it is not answered, and its asker waits as long as it is willing to.
pub struct Request {
    pub from: NodeId,
    pub question: Bytes,
    until: Instant,
    /// Who is asked.
    node: NodeId,
    road: Road,
}

enum Road {
    Embedded(Replies),
    Redis { station: Arc<redis::Station>, id: u64 },
}

impl Requests {
    pub(crate) fn open(gone: CancellationToken) -> (mpsc::Sender<Request>, Self) {
        let (sender, queue) = mpsc::channel(REQUESTS_LEN_MAX);
        (sender, Self { queue, gone })
    }

    /// Waits for the next question whose asker still waits; `None` when the node has left the bus.
    /// Cancellation-safe.
    pub async fn next(&mut self) -> Option<Request> {
        loop {
            let request = tokio::select! {
                biased;
                () = self.gone.cancelled() => return None,
                request = self.queue.recv() => request?,
            };
            if request.until > Instant::now() {
                return Some(request);
            }
        }
    }
}

impl Request {
    pub(crate) fn of_embedded(
        (from, node): (&NodeId, &NodeId),
        question: Bytes,
        until: Instant,
        replies: Replies,
    ) -> Self {
        let road = Road::Embedded(replies);
        Self { from: from.clone(), question, until, node: node.clone(), road }
    }

    pub(crate) fn of_redis(
        station: Arc<redis::Station>,
        (from, id): (NodeId, u64),
        question: Bytes,
        wait: Duration,
    ) -> Self {
        let (node, until) = (station.node().clone(), Instant::now() + wait);
        Self { from, question, until, node, road: Road::Redis { station, id } }
    }

    /// What is left of the asker's patience.
    pub fn patience(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Answers. More than 4 MiB is not sent; the asker learns that it would have been too much.
    pub async fn answer(self, answer: Bytes) {
        let said = match answer.len() {
            0..=ANSWER_BYTES_MAX => Said::Answer(answer),
            _ => Said::TooLarge,
        };
        match self.road {
            // There is a place for everyone who was asked.
            Road::Embedded(replies) => drop(replies.try_send((self.node, said))),
            Road::Redis { station, id } => station.reply(&self.from, id, said).await,
        }
    }
}

impl fmt::Debug for Request {
    // What is asked may name users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("from", &self.from).finish_non_exhaustive()
    }
}
