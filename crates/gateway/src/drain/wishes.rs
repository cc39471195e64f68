//! What an operator wishes of a running node: that it empties itself, or lets go those it has too many of.

use std::time::Duration;

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Drain, empty, let_go, pace::Pace, withdraw};
use crate::{departure::Departure, shared::Shared};

/// Wishes that wait while one is carried out.
const WISHES_LEN_MAX: usize = 2;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    /// All sockets go, and none comes any more.
    Empty { over: Duration },
    /// As many go as are more than it may keep.
    Shed { keep: usize, over: Duration },
}

/// The wishes that wait.
#[derive(Debug)]
pub(crate) struct Wishes(mpsc::Receiver<Wish>);

impl Wishes {
    pub(super) fn open() -> (mpsc::Sender<Wish>, Self) {
        let (sender, waiting) = mpsc::channel(WISHES_LEN_MAX);
        (sender, Self(waiting))
    }
}

/// Begins what is wished, and says how many sockets that concerns. `None`: too much is wished at once.
pub(crate) fn begin(shared: &Shared, wish: Wish) -> Option<usize> {
    let sockets = shared.sessions.len();
    let concerned = match wish {
        Wish::Empty { .. } => sockets,
        Wish::Shed { keep, .. } => sockets.saturating_sub(keep),
    };
    let is_needless = match wish {
        // Asked again, it goes on as it is.
        Wish::Empty { .. } => shared.drain.is_leaving(),
        Wish::Shed { .. } => concerned == 0 || shared.drain.is_leaving(),
    };
    if is_needless {
        return Some(concerned);
    }
    let place = shared.drain.wishes.try_reserve().ok()?;
    if let Wish::Empty { over } = wish {
        // At once, and not when its turn comes: it ends what is shed meanwhile.
        withdraw(shared, Instant::now() + over);
    }
    place.send(wish);
    Some(concerned)
}

/// Carries out what is wished, one after the other, until `stop`.
pub(crate) async fn carry_out(shared: &Shared, mut wishes: Wishes, stop: CancellationToken) {
    let all = async {
        while let Some(wish) = wishes.0.recv().await {
            match wish {
                Wish::Empty { .. } => by_hand(shared, &shared.drain).await,
                Wish::Shed { keep, over } => {
                    let surplus = shared.sessions.len().saturating_sub(keep);
                    let pace = Pace::new(Instant::now() + over);
                    shared.events.shedding(surplus);
                    let_go(shared, surplus, pace, Departure::Rebalance).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = all => {}
    }
}

/// As when the node stops, but that it stays.
async fn by_hand(shared: &Shared, drain: &Drain) {
    tokio::time::sleep(shared.config.drain_delay).await;
    shared.stopping.cancel();
    empty(shared, drain.until().unwrap_or_else(Instant::now)).await;
}
