//! What a client shows when it wants a seat.

use std::net::IpAddr;

/// All that a decision may rest on. Borrowed for the length of the question.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// From whichever place it came.
    pub token: Option<&'a str>,
    pub namespace: &'a str,
    /// Decoded pairs, in the client's order.
    pub query: &'a [(String, String)],
    /// The payload of the CONNECT packet, as JSON.
    pub auth: Option<&'a str>,
    /// Those that the settings name, by their names in lower case.
    pub headers: &'a [(String, String)],
    pub address: IpAddr,
}
