//! Ends sockets: admits, seats, delivers, lets go; and the HTTP API for backends.
//!
//! A client's bytes come in by `engine`, become packets in `socket`, and take a `seat`; a notice comes
//! from the bus, goes through the `hub` to the seats of its audience, and out as a frame that was
//! encoded once.
//!
//! May enter: connections, notices, emits.
//! May not enter: Redis, queues, what a worker message says. What must reach other nodes goes by the
//! adapter, and nothing here knows how.
//!
//! Promise: a slow or silent client costs the others nothing; a final is never skipped, reordered
//! before its progress, or followed by progress of its task.

mod delivery;
mod gateway;
mod shared;

mod drain;
mod forwarding;
mod hearing;

mod proxies;
mod tls;

mod engine;
mod socket;

mod asked;
mod hub;
mod login;
mod readings;
mod recovery;
mod seat;

mod relay;
mod timing;
mod uplink;

mod census;
mod deeds;
mod revocations;

mod answering;
mod orders;
mod others;
mod questions;

mod encoded;
mod forms;
mod frames_of;

mod module;
mod plain;
mod script;
mod tail;

mod api;

mod config;
mod departure;
mod events;
mod exemplars;
mod origins;
mod refusal;

mod benched;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzed;
#[cfg(test)]
mod rehearsal;

pub use crate::{
    api::{DOWNLINK_PATH, Unread},
    config::{Config, Conformance, Limits, Uplink},
    exemplars::{Exemplar, Exemplars},
    gateway::{Gateway, StartError},
    module::MODULE,
    origins::{OriginError, Origins},
    others::about,
    proxies::{ForwardedHeader, Network, Proxies, read_network},
    script::Bundle,
    tls::{Agreement, ClientRoots, Identity, IdentityError, RootsError, Tls, TlsError},
};

#[doc(hidden)]
pub use crate::benched::{Crowd, frame};

#[cfg(feature = "fuzzing")]
pub use crate::fuzzed::{
    forwarded, introduction, namespace, packets, placeholders, polling_body, websocket,
};
