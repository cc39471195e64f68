//! Who a client is and what it may hear: read from its token, or asked of the backend.
//!
//! The [`Gate`] is shown what a client sent and answers with a [`Grant`], or with a [`Denial`], whose
//! text the client reads.
//!
//! May enter: tokens, keys, what a client sent when it connected.
//! May not enter: sockets, namespaces' meaning, Redis. What a grant allows is decided by the gateway.
//!
//! Promise: a key serves the algorithms of its own family and no other; no token, key or answer of a
//! backend is ever logged.

mod gate;
mod shown;

mod denial;
mod grant;
mod revoked;

mod algorithms;
mod claims;
mod key;
mod signer;
mod tokens;

mod cache;
mod client;
mod hook;
mod key_set;

mod config;
mod events;

pub use crate::{
    algorithms::{Algorithms, UnknownAlgorithm},
    config::{Config, HookConfig, KeySource, Mode, TokenConfig},
    denial::Denial,
    gate::{Gate, OpenError},
    grant::{Grant, Proof},
    key::{Key, KeyError},
    shown::Shown,
    signer::{SignError, Signer},
    tokens::is_token,
};
