//! What stands in front of the node and speaks for clients: whom it is, and whom it speaks for.
//!
//! May enter: addresses, headers, the first bytes of a connection.
//! May not enter: what is done with an address once it is known.
//!
//! Promise: nobody who is not listed is believed, not even at the far end of a chain.

mod forwarded;
mod introduction;

use std::net::IpAddr;

/// One address, or all of a network: `10.0.0.0/8`.
pub use ipnet::IpNet as Network;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::introduction::introduced_by;
pub(crate) use self::introduction::{NotIntroduced, introduced};

/// Which proxies are believed, and how they say whom they speak for.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub trusted: Vec<Network>,
    /// The header in which they name the client of a request.
    pub header: ForwardedHeader,
    /// They begin each connection with a header of the PROXY protocol.
    pub introduce: bool,
}

/// One of the two: a proxy that writes one of them passes on what a client wrote into the other.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl Proxies {
    /// Whether `address` is a proxy's, and believed.
    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }
}

/// Reads one address, or a network of them.
pub fn read_network(text: &str) -> Option<Network> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(Network::from))
}
