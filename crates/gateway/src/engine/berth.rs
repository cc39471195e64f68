//! A session's berth: its part of the node, taken before a word of its client is weighed.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::StatusCode;

use super::{
    addresses::Addresses,
    routes::{Answer, Asking, come_again},
};
use crate::{config::Limits, events::Handshake};

/// The berths that are taken, in all and by address.
#[derive(Debug, Default)]
pub(super) struct Berths {
    taken: AtomicUsize,
    by_address: Addresses,
}

/// One session's; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Berth {
    berths: Arc<Berths>,
    address: IpAddr,
}

impl Berths {
    pub(super) fn take(
        self: &Arc<Self>,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<Berth, Handshake> {
        if !self.by_address.count_in(address, limits.sockets_per_address) {
            return Err(Handshake::AddressFull);
        }
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        let berth = Berth { berths: Arc::clone(self), address };
        if before < limits.sockets { Ok(berth) } else { Err(Handshake::Overloaded) }
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn taken_from(&self, address: IpAddr) -> usize {
        self.by_address.count_of(address)
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.berths.taken.fetch_sub(1, Ordering::Relaxed);
        self.berths.by_address.count_out(self.address);
    }
}

/// A berth for the session that is asked for, or the answer that there is none.
pub(crate) fn berth(asking: &Asking) -> Result<Berth, Box<Answer>> {
    admit(asking).map_err(|why| {
        asking.shared.events.handshake(why);
        Box::new(refused(why))
    })
}

/// The address comes first, as at the door: one that is over takes nothing from the others.
fn admit(asking: &Asking) -> Result<Berth, Handshake> {
    let shared = &asking.shared;
    let berth = shared.sessions.admit(asking.address, &shared.config.limits)?;
    if asking.slot.is_paid() {
        shared.doors.is_light()?;
    } else {
        shared.doors.one_more()?;
    }
    Ok(berth)
}

fn refused(why: Handshake) -> Answer {
    match why {
        Handshake::AddressFull => {
            come_again(StatusCode::TOO_MANY_REQUESTS, 5, "too many sockets from this address")
        }
        _ => come_again(StatusCode::SERVICE_UNAVAILABLE, 5, "this node takes no more sockets now"),
    }
}
