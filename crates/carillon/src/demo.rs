//! The demo's worker: copies folders for user 5, file by file, as a real task worker reports it.
//!
//! Nothing is copied. The messages are shaped like a real worker's and go the road of all others.

mod copying;
mod message;

use std::time::Duration;

use bytes::Bytes;
use ingest::Feed;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::copying::{Copying, SCRIPTS};

/// How often each copy under way says how far it is.
const TICK: Duration = Duration::from_millis(250);

/// Works until `stop`, or until nobody takes messages any more.
pub(crate) async fn run(feed: Feed, stop: CancellationToken) {
    let mut copies: Vec<_> = SCRIPTS.iter().map(Copying::new).collect();
    let mut ticks = time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for message in copies.iter_mut().filter_map(Copying::tick) {
            let pushed = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                pushed = feed.push(Bytes::from(message)) => pushed,
            };
            if pushed.is_err() {
                // The intake is closed: the node is stopping, and this with it.
                return stop.cancelled().await;
            }
        }
    }
}
