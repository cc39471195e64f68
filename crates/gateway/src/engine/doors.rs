//! The doors: who may come in, before anything is read.
//!
//! May enter: an address. May not enter: a byte of what its client says.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::addresses::Addresses;
use crate::{config::Limits, events::Handshake};

/// One address may have this part of all handshakes: else it could keep everybody out.
const HANDSHAKES_PART: usize = 4;

/// Counts connections, in all and by address.
#[derive(Debug)]
pub(crate) struct Doors {
    limits: Limits,
    connections: AtomicUsize,
    by_address: Addresses,
    handshakes: AtomicUsize,
    handshakes_by_address: Addresses,
    rate: Mutex<Rate>,
    /// The process has more in memory than `limits.memory`.
    is_heavy: AtomicBool,
}

/// A token bucket: `accepts_per_second` a second, with a burst of `accepts_burst`.
#[derive(Debug)]
struct Rate {
    tokens: f64,
    filled_at: Instant,
}

/// A connection that has come in.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(super) inside: Inside,
    pub(super) handshaking: Handshaking,
    /// Why it may only stay if it belongs to a session that is here already.
    pub(super) doubt: Option<Handshake>,
}

/// One connection inside; it is counted out when this is dropped.
#[derive(Debug)]
pub(crate) struct Inside {
    doors: Arc<Doors>,
    pub(crate) address: IpAddr,
}

/// A connection that has not said yet what it wants; it is counted out when this is dropped.
#[derive(Debug)]
pub(super) struct Handshaking {
    doors: Arc<Doors>,
    address: IpAddr,
}

impl Doors {
    pub(crate) fn new(limits: Limits) -> Self {
        let rate = Rate { tokens: f64::from(limits.accepts_burst), filled_at: Instant::now() };
        Self {
            limits,
            connections: AtomicUsize::new(0),
            by_address: Addresses::default(),
            handshakes: AtomicUsize::new(0),
            handshakes_by_address: Addresses::default(),
            rate: Mutex::new(rate),
            is_heavy: AtomicBool::new(false),
        }
    }

    /// Lets a connection in, on a node that has so many `sessions`. The address comes first: one that is over
    /// takes nothing from the others. A proxy's stands for many, who count each for their own.
    pub(super) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        is_proxy: bool,
        sessions: usize,
    ) -> Result<Newcomer, Handshake> {
        let Limits { sockets_per_address, handshakes, .. } = self.limits;
        let part = handshakes.div_ceil(HANDSHAKES_PART);
        let of_address =
            if is_proxy { (usize::MAX, usize::MAX) } else { (sockets_per_address, part) };
        let inside = self.count_in(address, of_address.0)?;
        let handshaking = self.begin(address, of_address.1)?;
        let doubt = if sessions >= self.limits.sockets {
            Some(Handshake::Overloaded)
        } else {
            self.one_more().err()
        };
        Ok(Newcomer { inside, handshaking, doubt })
    }

    /// Lets a neighbour in who comes for a client that it has counted itself.
    pub(crate) fn let_in(self: &Arc<Self>) -> Result<Newcomer, Handshake> {
        // No address is over its share by this.
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        let (inside, handshaking) =
            (self.count_in(address, usize::MAX)?, self.begin(address, usize::MAX)?);
        Ok(Newcomer { inside, handshaking, doubt: None })
    }

    fn count_in(self: &Arc<Self>, address: IpAddr, of_address: usize) -> Result<Inside, Handshake> {
        if !self.by_address.count_in(address, of_address) {
            return Err(Handshake::AddressFull);
        }
        self.connections.fetch_add(1, Ordering::Relaxed);
        let inside = Inside { doors: Arc::clone(self), address };
        // A client that polls has a second one for what it says.
        let connections_max = self.limits.sockets.saturating_mul(2) + self.limits.handshakes;
        let fits = self.connections.load(Ordering::Relaxed) <= connections_max;
        if fits { Ok(inside) } else { Err(Handshake::Overloaded) }
    }

    fn begin(
        self: &Arc<Self>,
        address: IpAddr,
        of_address: usize,
    ) -> Result<Handshaking, Handshake> {
        if !self.handshakes_by_address.count_in(address, of_address) {
            return Err(Handshake::AddressFull);
        }
        let before = self.handshakes.fetch_add(1, Ordering::Relaxed);
        let handshaking = Handshaking { doors: Arc::clone(self), address };
        if before < self.limits.handshakes { Ok(handshaking) } else { Err(Handshake::Handshakes) }
    }

    pub(super) fn handshakes_from(&self, address: IpAddr) -> usize {
        self.handshakes_by_address.count_of(address)
    }

    /// Whether a session may begin now, as far as memory goes.
    pub(super) fn is_light(&self) -> Result<(), Handshake> {
        if self.is_heavy.load(Ordering::Relaxed) { Err(Handshake::Memory) } else { Ok(()) }
    }

    /// The same, and whether it is not one too many in this second.
    pub(super) fn one_more(&self) -> Result<(), Handshake> {
        self.is_light()?;
        let Limits { accepts_per_second, accepts_burst, .. } = self.limits;
        let has_one = self.rate.lock().take(Instant::now(), accepts_per_second, accepts_burst);
        if has_one { Ok(()) } else { Err(Handshake::Accepts) }
    }

    /// Says how much the process has in memory.
    pub(crate) fn weigh(&self, bytes: usize) {
        let is_heavy = self.limits.memory.is_some_and(|bytes_max| bytes > bytes_max);
        self.is_heavy.store(is_heavy, Ordering::Relaxed);
    }
}

impl Inside {
    /// Counts for `client` from now on, and for the proxy that brought it no more, if it may have one more.
    pub(super) fn speaks_for(&mut self, client: IpAddr) -> Result<(), Handshake> {
        let by_address = &self.doors.by_address;
        if !by_address.count_in(client, self.doors.limits.sockets_per_address) {
            return Err(Handshake::AddressFull);
        }
        by_address.count_out(self.address);
        self.address = client;
        Ok(())
    }
}

impl Rate {
    fn take(&mut self, now: Instant, per_second: u32, burst: u32) -> bool {
        let filled = now.duration_since(self.filled_at).as_secs_f64() * f64::from(per_second);
        self.tokens = (self.tokens + filled).min(f64::from(burst));
        self.filled_at = now;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.doors.connections.fetch_sub(1, Ordering::Relaxed);
        self.doors.by_address.count_out(self.address);
    }
}

impl Drop for Handshaking {
    fn drop(&mut self) {
        self.doors.handshakes.fetch_sub(1, Ordering::Relaxed);
        self.doors.handshakes_by_address.count_out(self.address);
    }
}

#[cfg(test)]
mod tests;
