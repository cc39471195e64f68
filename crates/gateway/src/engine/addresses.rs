//! How many of something each address has. Loopback is counted and never full: everyone behind a proxy on
//! this machine comes from there.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

use parking_lot::Mutex;

/// What one subscriber has of an IPv6 address for itself (RFC 6177 §2): with as many addresses as it likes in
/// it, it counts as one.
const SUBSCRIBER_BITS: u32 = 64;

/// Holds only addresses that have at least one.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<HashMap<IpAddr, usize>>);

impl Addresses {
    /// Counts one more in, unless `address` has `count_max` already.
    pub(super) fn count_in(&self, address: IpAddr, count_max: usize) -> bool {
        let subscriber = subscriber(address);
        let mut counts = self.0.lock();
        let count = counts.entry(subscriber).or_default();
        let fits = *count < count_max || subscriber.is_loopback();
        if fits {
            *count += 1;
        } else if *count == 0 {
            counts.remove(&subscriber);
        }
        fits
    }

    pub(super) fn count_out(&self, address: IpAddr) {
        let subscriber = subscriber(address);
        let mut counts = self.0.lock();
        let Some(count) = counts.get_mut(&subscriber) else { return };
        *count -= 1;
        if *count == 0 {
            counts.remove(&subscriber);
        }
    }

    pub(super) fn count_of(&self, address: IpAddr) -> usize {
        self.0.lock().get(&subscriber(address)).copied().unwrap_or_default()
    }
}

fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let mask = u128::MAX << (128 - SUBSCRIBER_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    //! Who counts as one.

    use super::*;

    fn counted_in(addresses: &[&str]) -> usize {
        let counts = Addresses::default();
        addresses.iter().filter(|address| counts.count_in(address.parse().unwrap(), 2)).count()
    }

    #[test]
    fn an_address_has_so_many_and_no_more() {
        assert_eq!(counted_in(&["192.0.2.1"; 5]), 2);
        assert_eq!(counted_in(&["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"]), 4);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        assert_eq!(counted_in(&["2001:db8::1", "2001:db8::2", "2001:db8::3"]), 2);
        assert_eq!(counted_in(&["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"]), 3);
    }

    #[test]
    fn an_ipv4_address_within_ipv6_is_the_ipv4_address() {
        assert_eq!(counted_in(&["192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.1"]), 2);
        assert_eq!(counted_in(&["::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3"]), 3);
    }

    #[test]
    fn loopback_is_never_full() {
        assert_eq!(counted_in(&["127.0.0.1"; 5]), 5);
        assert_eq!(counted_in(&["::1"; 5]), 5);
        assert_eq!(counted_in(&["::ffff:127.0.0.1"; 5]), 5);
    }

    #[test]
    fn who_leaves_makes_room_and_is_forgotten() {
        let (counts, address) = (Addresses::default(), "192.0.2.1".parse().unwrap());
        assert!(counts.count_in(address, 1));
        assert!(!counts.count_in(address, 1));
        assert_eq!(counts.count_of(address), 1);
        counts.count_out(address);
        assert_eq!(counts.count_of(address), 0);
        assert!(counts.count_in(address, 1));
    }
}
