//! Seats that clients get back after they were cut off, on whatever node: Socket.IO's connection state recovery.
//!
//! A seat is held while it is taken, not when it is left: its key (`pid`), who sits there and from where on its
//! client is owed what, in the adapter's `HeldSeats`. Every event ends with how far the client has come with it
//! (`offset`). A client that brings both gets its id and its rooms back, and what it missed of each; or, where any
//! of that is not known to be whole, a seat like any newcomer's.
//!
//! May enter: seats of Engine.IO 4, the one protocol that has this. Promise: whoever is told that it was recovered
//! has missed nothing that is kept for it.

mod claim;
mod ghost;
mod offset;
mod renewal;
mod resumption;
mod trail;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use adapter::{BusError, HeldSeats, Holder, SeatKey, Standing, Store};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use notice::{Audience, NodeId};
use rand::Rng as _;

pub(crate) use self::{
    claim::Claim, ghost::let_go, renewal::renew, resumption::Resumption, trail::Trail,
};
use crate::{
    engine::{Dialect, Session},
    readings::Readings,
    shared::Shared,
};

/// How often in the time for which a seat is held that is renewed.
const RENEWALS: u32 = 3;

/// What a gateway needs to give seats back.
#[derive(Debug)]
pub(crate) struct Recovery {
    seats: HeldSeats,
    node: NodeId,
    /// How long a client may be away.
    window: Duration,
    /// Tells the seats of this node apart.
    number: AtomicU64,
    standings: Readings<Audience, Result<Option<Standing>, BusError>>,
}

impl Recovery {
    pub(crate) fn new(node: &NodeId, window: Duration, seats: HeldSeats) -> Self {
        let (number, standings) = Default::default();
        Self { seats, node: node.clone(), window, number, standings }
    }

    fn holder(&self) -> Holder {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Holder { node: self.node.clone(), number }
    }

    /// Where an audience stands. Of many who want to know it at once, one asks for all.
    async fn standing(
        &self,
        store: &Store,
        audience: &Audience,
    ) -> Result<Option<Standing>, BusError> {
        let reading = Box::pin(store.standing(audience));
        self.standings.read(audience.clone(), reading).await.1
    }

    fn renew_every(&self) -> Duration {
        self.window / RENEWALS
    }

    /// Between two renewals a seat is held for the window at least.
    fn held(&self) -> Duration {
        self.window + self.renew_every()
    }
}

/// The trail of a seat that `session` takes, if it is to be held.
pub(crate) fn trail(session: &Session, resumption: Option<&Resumption>) -> Option<Box<Trail>> {
    let recovery = of(session)?;
    Some(Box::new(match resumption {
        Some(resumption) => Trail::resume(resumption),
        None => Trail::begin(new_key(), recovery.holder()),
    }))
}

/// `None`: its client does not know of recovery, or the settings do not want it.
fn of(session: &Session) -> Option<&Recovery> {
    let shared: &Shared = &session.shared;
    shared.recovery.as_ref().filter(|_| session.dialect == Dialect::Engine4)
}

/// 144 random bits.
fn new_key() -> SeatKey {
    let mut secret = [0; 18];
    rand::rng().fill_bytes(&mut secret);
    SeatKey::new(&URL_SAFE_NO_PAD.encode(secret)).expect("24 characters of base64 are a key")
}
