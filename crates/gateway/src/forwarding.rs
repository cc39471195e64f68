//! Requests for a session that another node holds: they are passed on to it, so that nobody in front of the
//! nodes has to know which session is where.
//!
//! The session's id names its node; the node's lease says where its internal port is, and shows a ticket that
//! only those can know who read the same store. Through that port this node opens a tunnel to the doors of the
//! other and plays the client: for a poll or a post until it is answered, for a WebSocket as long as it lives.
//! A WebSocket is passed on too, and not refused: a client that is refused polls for the rest of its visit, of
//! three polls two by way of a tunnel of their own.
//!
//! May not enter: what is in a request. Promise: nothing waits longer for a node than its lease runs, and who
//! asks for a session of a node that is gone is told at once to begin anew.

mod carried;
mod neighbours;
mod passing;
mod ticket;
mod tunnel;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{interval, timeout},
};

use self::{
    carried::Carried,
    neighbours::{Neighbour, Neighbours},
    passing::{PassingError, pass_on},
};
pub(crate) use self::{
    ticket::Ticket,
    tunnel::{Tunnel, router},
};
use crate::{
    engine::{Answer, Asking, Unfit, unavailable},
    events::Forwarded,
    shared::Shared,
};

/// How often it is looked whether a node that has not answered yet lives.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How much longer than a poll may take anyway.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is passed on, and to whom.
#[derive(Debug)]
pub(crate) struct Forwarding {
    /// Where the others find this node's internal port.
    pub(crate) address: Option<String>,
    /// By which they come in there.
    pub(crate) ticket: Ticket,
    /// What of that is a WebSocket.
    pub(crate) carried: Carried,
    neighbours: Neighbours,
    /// One for each request under way, and each WebSocket.
    places: Arc<Semaphore>,
}

impl Forwarding {
    /// With so many requests under way at most.
    pub(crate) fn new(address: Option<String>, len_max: usize) -> Self {
        let places = Semaphore::new(len_max.min(Semaphore::MAX_PERMITS));
        Self {
            address,
            ticket: Ticket::draw(),
            carried: Carried::default(),
            neighbours: Neighbours::default(),
            places: Arc::new(places),
        }
    }
}

impl Forwarding {
    /// Whether a node made this session's id that is known here without a look.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.neighbours.knows(id)
    }
}

/// Has the node answer that made this session's id.
pub(crate) async fn forward(asking: Asking, id: &str) -> Result<Answer, Unfit> {
    let shared = Arc::clone(&asking.shared);
    let Ok(place) = Arc::clone(&shared.forwarding.places).try_acquire_owned() else {
        shared.events.forwarded(Forwarded::Full);
        return Ok(unavailable());
    };
    let Some(owner) = shared.forwarding.neighbours.of(&shared, id).await else {
        return Err(unknown(&shared, Forwarded::Gone));
    };
    match while_alive(&shared, id, pass_on(asking, &owner, place)).await {
        Some(Ok((answer, outcome))) => {
            shared.events.forwarded(outcome);
            Ok(answer)
        }
        Some(Err(error)) => {
            tracing::debug!(node.id = %owner.node, %error, "could not pass a request on");
            Err(unknown(&shared, Forwarded::Failed))
        }
        None => Err(unknown(&shared, Forwarded::Late)),
    }
}

/// `None`: the node that was asked is gone, or has taken longer than any poll.
async fn while_alive<T>(
    shared: &Shared,
    id: &str,
    passing: impl Future<Output = Result<T, PassingError>>,
) -> Option<Result<T, PassingError>> {
    let config = &shared.config;
    let gone = async {
        let mut looks = interval(LOOK_EVERY);
        looks.tick().await;
        loop {
            looks.tick().await;
            if !shared.forwarding.neighbours.still_has(shared, id).await {
                return;
            }
        }
    };
    let answered = async {
        tokio::select! {
            biased;
            answered = passing => Some(answered),
            () = gone => None,
        }
    };
    // Large, and most requests are nobody else's.
    let answered =
        timeout(config.ping_interval + config.ping_timeout + PATIENCE, Box::pin(answered));
    answered.await.unwrap_or_default()
}

/// Every generation begins anew when it is told this.
fn unknown(shared: &Shared, outcome: Forwarded) -> Unfit {
    shared.events.forwarded(outcome);
    Unfit::SessionUnknown
}
