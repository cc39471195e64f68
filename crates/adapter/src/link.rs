//! What one node holds of a bus.

use crate::{
    echo::Echo, held_seats::HeldSeats, inbox::Inbox, interest::Interest, logins::Logins,
    nodes::Nodes, publisher::Publisher, requests::Requests, revocations::Revocations,
    signals::Signals, store::Store, uplink::Uplink,
};

/// One node's place on a bus. The node counts for as long as its [`Inbox`] lives; the other parts
/// may be cloned and may outlive it.
#[derive(Debug)]
pub struct Link {
    pub publisher: Publisher,
    pub interest: Interest,
    pub inbox: Inbox,
    pub store: Store,
    pub logins: Logins,
    pub revocations: Revocations,
    pub held_seats: HeldSeats,
    pub signals: Signals,
    pub nodes: Nodes,
    pub requests: Requests,
    pub echo: Echo,
    /// The way of what clients say to the backend, if it has one.
    pub uplink: Option<Uplink>,
}
