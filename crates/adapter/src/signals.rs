//! Named channels between nodes, without memory: who watches now hears, nobody else.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{embedded, error::SignalError, limits::SIGNAL_BYTES_MAX, redis, watchers::Watchers};

/// One node's way to signal and to watch for signals. At most once, in the order of each sender.
#[derive(Clone, Debug)]
pub struct Signals {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded { exchange: Arc<embedded::Exchange>, place: Arc<embedded::Place> },
    Redis(Arc<redis::Station>),
}

/// What comes by one channel, until dropped.
#[derive(Debug)]
pub struct Watch {
    signals: mpsc::Receiver<Bytes>,
    watchers: Arc<Watchers>,
    channel: String,
    id: u64,
}

// === impl Signals ===

impl Signals {
    pub(crate) fn of_embedded(
        exchange: Arc<embedded::Exchange>,
        place: Arc<embedded::Place>,
    ) -> Self {
        Self { road: Road::Embedded { exchange, place } }
    }

    pub(crate) fn of_redis(station: Arc<redis::Station>) -> Self {
        Self { road: Road::Redis(station) }
    }

    /// Watches `channel`. Everything sent once this has returned is heard, but for what is sent while
    /// the bus is away or while `len_max` signals wait unread; those are dropped, the newest first, and
    /// counted.
    pub async fn watch(&self, channel: &str, len_max: usize) -> Result<Watch, SignalError> {
        match &self.road {
            Road::Embedded { place, .. } => place.watch(channel, len_max),
            Road::Redis(station) => station.watch(channel, len_max).await,
        }
    }

    /// Sends to whoever watches `channel`, and says how many nodes do.
    pub async fn send(&self, channel: &str, bytes: Bytes) -> Result<usize, SignalError> {
        let (len_bytes, len_bytes_max) = (bytes.len(), SIGNAL_BYTES_MAX);
        if len_bytes > len_bytes_max {
            return Err(SignalError::TooLarge { len_bytes, len_bytes_max });
        }
        match &self.road {
            Road::Embedded { exchange, .. } => Ok(exchange.send(channel, &bytes)),
            Road::Redis(station) => station.send(channel, bytes).await,
        }
    }

    /// How many nodes watch `channel`.
    pub async fn listeners(&self, channel: &str) -> Result<usize, SignalError> {
        match &self.road {
            Road::Embedded { exchange, .. } => Ok(exchange.listeners(channel)),
            Road::Redis(station) => station.listeners(channel).await,
        }
    }
}

// === impl Watch ===

impl Watch {
    pub(crate) fn new(
        watchers: &Arc<Watchers>,
        channel: &str,
        id: u64,
        signals: mpsc::Receiver<Bytes>,
    ) -> Self {
        Self { signals, watchers: Arc::clone(watchers), channel: channel.to_owned(), id }
    }

    /// Waits for the next signal; `None` when the node has left the bus. Cancellation-safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.signals.recv().await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watchers.close(&self.channel, self.id);
    }
}
