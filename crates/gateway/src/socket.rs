//! Socket.IO 4 and 5 over an Engine.IO session: namespaces, connecting, events, acknowledgements.
//!
//! May enter: messages of a session. May not enter: transports, frames, HTTP.

mod brought;
mod identity;
mod partial;
mod query;

mod admission;
mod connect;
mod event;
mod inbound;
mod refresh;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::inbound::read_as_call;
pub(crate) use self::{
    admission::{Admitted, Plea, admit, token_of},
    brought::Brought,
    connect::{NotJoined, connect, end_membership, hear, join},
    event::{Call, answer, listed},
    identity::{Identity, Source, text},
    inbound::{CONNECT_SUCCESS, Message, opened, take_in},
    partial::Partial,
    query::Query,
};
