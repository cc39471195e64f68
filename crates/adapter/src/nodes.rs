//! The other nodes: who lives, and what they answer when they are asked.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use notice::NodeId;

use crate::{embedded, error::SignalError, limits::ABOUT_BYTES_MAX, redis};

/// One node's view of all nodes on its bus.
#[derive(Clone, Debug)]
pub struct Nodes {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded { exchange: Arc<embedded::Exchange>, place: Arc<embedded::Place> },
    Redis(Arc<redis::Station>),
}

/// A node whose lease runs.
#[derive(Clone, Debug)]
pub struct Living {
    pub node: NodeId,
    /// What it last announced; empty if nothing.
    pub about: Bytes,
}

/// What came of a question to all.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub answers: Vec<(NodeId, Bytes)>,
    /// Nodes whose lease runs and of which there is no answer: they did not hear, had no time, had too
    /// much to do, or too much to say.
    pub missing: Vec<NodeId>,
}

impl Nodes {
    pub(crate) fn of_embedded(
        exchange: Arc<embedded::Exchange>,
        place: Arc<embedded::Place>,
    ) -> Self {
        Self { road: Road::Embedded { exchange, place } }
    }

    pub(crate) fn of_redis(station: Arc<redis::Station>) -> Self {
        Self { road: Road::Redis(station) }
    }

    /// Every node whose lease runs, this one too. One that died is among them for at most
    /// [`Config::node_lease`](crate::Config::node_lease).
    pub async fn living(&self) -> Result<Vec<Living>, SignalError> {
        match &self.road {
            Road::Embedded { exchange, .. } => Ok(exchange.living()),
            Road::Redis(station) => station.living().await,
        }
    }

    /// Says what the others shall read of this node: mostly within a second, with the next renewal of the
    /// lease at the latest. More than 16 KiB is not announced.
    pub fn announce(&self, about: Bytes) {
        if about.len() > ABOUT_BYTES_MAX {
            tracing::error!(len_bytes = about.len(), "left out an announcement that is too large");
            return;
        }
        match &self.road {
            Road::Embedded { place, .. } => place.announce(about),
            Road::Redis(station) => station.announce(about),
        }
    }

    /// Asks every other living node at once, and waits at most `wait` for the last of them. Nobody waits
    /// for a node that is dead, lease or no lease.
    pub async fn ask_all(&self, question: Bytes, wait: Duration) -> Result<Answers, SignalError> {
        match &self.road {
            Road::Embedded { exchange, place } => exchange.ask_all(place, &question, wait).await,
            Road::Redis(station) => Box::pin(station.ask_all(question, wait)).await,
        }
    }

    /// Asks one node. `None`: it is gone, or did not answer in time. What one asker hands in one after
    /// the other arrives in that order.
    pub async fn ask(
        &self,
        node: &NodeId,
        question: Bytes,
        wait: Duration,
    ) -> Result<Option<Bytes>, SignalError> {
        let asked = match &self.road {
            Road::Embedded { exchange, place } => {
                exchange.ask(place, node, &question, wait).await?
            }
            Road::Redis(station) => Box::pin(station.ask(node, question, wait)).await?,
        };
        Ok(asked.answers.into_iter().next().map(|(_, answer)| answer))
    }
}
