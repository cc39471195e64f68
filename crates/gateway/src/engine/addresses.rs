//! How many of something each address has. Loopback is not counted: everyone behind a proxy on this
//! machine comes from there.

use std::{collections::HashMap, net::IpAddr};

use parking_lot::Mutex;

/// Holds only addresses that have at least one.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<HashMap<IpAddr, usize>>);

impl Addresses {
    /// Whether `address` may not have one more, with `count_max` as the most.
    pub(super) fn is_full(&self, address: IpAddr, count_max: usize) -> bool {
        let count = self.0.lock().get(&address).copied().unwrap_or_default();
        !address.is_loopback() && count >= count_max
    }

    pub(super) fn count_in(&self, address: IpAddr) {
        if !address.is_loopback() {
            *self.0.lock().entry(address).or_default() += 1;
        }
    }

    pub(super) fn count_out(&self, address: IpAddr) {
        let mut counts = self.0.lock();
        let Some(count) = counts.get_mut(&address) else { return };
        *count -= 1;
        if *count == 0 {
            counts.remove(&address);
        }
    }
}
