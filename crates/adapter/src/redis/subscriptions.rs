//! Makes true what a node wishes to hear: subscribes in batches, again after every new connection, and
//! drops what nobody wishes for any more.

use std::{sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::Error,
    interfaces::{ClientLike, EventInterface, PubsubInterface},
    types::{ClusterHash, CustomCommand, Value},
};
use notice::{Audience, Position};
use tokio::{
    sync::{Notify, broadcast::error::RecvError, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    inbox::Arrival,
    redis::{bus::Bus, ears::Ears, events::subscribing_failed},
};

/// Audiences subscribed to in one trip.
const BATCH_LEN: usize = 256;
/// The first and the longest wait before a batch is tried again; each is varied by up to a half.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// How often the connection is asked whether it is there: nothing else is ever asked of it.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long it may take to answer.
const PING_WAIT: Duration = Duration::from_secs(5);

/// The task behind one node's [`Interest`](crate::Interest).
pub(super) struct Subscriptions {
    pub(super) bus: Arc<Bus>,
    pub(super) ears: Arc<Ears>,
    pub(super) client: Client,
    /// Only to learn when the inbox is gone.
    pub(super) inbox: mpsc::Sender<Arrival>,
    /// Messages were dropped unread, so every audience is to be looked at.
    pub(super) lagged: Arc<Notify>,
}

enum Wake {
    Stop,
    NewConnection,
    Lagged,
    Wished,
    Lingered,
    Ping,
}

impl Subscriptions {
    /// Runs until `stop` or until the inbox is gone, and then closes the connection.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut connections = self.client.reconnect_rx();
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut retry = RETRY_MIN;
        let mut retry_at = None;
        loop {
            let lingers_until = self.ears.lingers_until();
            let wake = tokio::select! {
                biased;
                () = stop.cancelled() => Wake::Stop,
                () = self.inbox.closed() => Wake::Stop,
                connection = connections.recv() => match connection {
                    Err(RecvError::Closed) => Wake::Stop,
                    Ok(_) | Err(RecvError::Lagged(_)) => Wake::NewConnection,
                },
                () = self.lagged.notified() => Wake::Lagged,
                () = self.ears.wished.notified() => Wake::Wished,
                () = until(retry_at) => Wake::Wished,
                () = until(lingers_until) => Wake::Lingered,
                _ = pings.tick() => Wake::Ping,
            };
            match wake {
                Wake::Stop => break,
                Wake::NewConnection => self.ears.wish_again(),
                Wake::Lagged => self.look_at_all().await,
                Wake::Wished => {}
                Wake::Lingered => self.drop_lingering().await,
                Wake::Ping => self.ping().await,
            }
            retry_at = match self.subscribe().await {
                Ok(()) => {
                    retry = RETRY_MIN;
                    None
                }
                Err(error) => {
                    subscribing_failed(&self.ears.node, &error);
                    retry = (retry * 2).min(RETRY_MAX);
                    Some(Instant::now() + retry.mul_f64(rand::random_range(0.5..1.5)))
                }
            };
        }
        // Redis drops the subscriptions with the connection; should it be gone, there are none.
        drop(self.client.quit().await);
    }

    /// Subscribes to all that is wished for.
    async fn subscribe(&self) -> Result<(), Error> {
        loop {
            let audiences = self.ears.wishes(BATCH_LEN);
            if audiences.is_empty() {
                return Ok(());
            }
            match self.subscribe_to(&audiences).await {
                Ok(newest) => self.ears.confirm(audiences, newest),
                Err(error) => {
                    self.ears.put_back(audiences);
                    return Err(error);
                }
            }
        }
    }

    /// One channel a command, because Redis confirms each by itself, and fred takes one answer for one
    /// command.
    async fn subscribe_to(&self, audiences: &[Audience]) -> Result<Vec<Option<Position>>, Error> {
        let pipeline = self.client.pipeline();
        for audience in audiences {
            let channel = Value::from(self.bus.prefix.channel(audience));
            let command = CustomCommand::new_static("SSUBSCRIBE", ClusterHash::FirstKey, false);
            let () = pipeline.custom(command, vec![channel]).await?;
        }
        drop(pipeline.all::<Vec<Value>>().await?);
        self.bus.positions(audiences).await
    }

    async fn drop_lingering(&self) {
        for audience in self.ears.drop_lingering(Instant::now()) {
            // Should it fail, the connection is gone and the subscription with it.
            drop(self.client.sunsubscribe(self.bus.prefix.channel(&audience)).await);
        }
    }

    async fn look_at_all(&self) {
        for batch in self.ears.confirmed().chunks(BATCH_LEN) {
            match self.bus.positions(batch).await {
                Ok(newest) => self.ears.confirm(batch.to_vec(), newest),
                // To be subscribed to once more is to be looked at once more.
                Err(_) => self.ears.put_back(batch.to_vec()),
            }
        }
    }

    async fn ping(&self) {
        let answer = timeout(PING_WAIT, self.client.ping::<()>(None)).await;
        if !matches!(answer, Ok(Ok(()))) && self.client.is_connected() {
            drop(self.client.force_reconnection().await);
        }
    }
}

pub(super) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
