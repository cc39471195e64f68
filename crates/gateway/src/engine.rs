//! Engine.IO 3 and 4: accepting connections, polling, WebSocket, upgrade, heartbeats.
//!
//! May enter: bytes from clients, packets to send.
//! May not enter: what a Socket.IO packet says, who a user is. A message goes to `socket` and nothing
//! is asked back but whether the client may stay.

mod busy;
mod dialect;
mod frames;
mod line;
mod outbox;
mod pace;
mod said;
mod session;
mod sessions;
mod sid;
mod wire;

mod accept;
mod addresses;
mod agreement;
mod doors;
mod http;
mod meeting;
mod patient;
mod routes;
mod slot;
mod turned_away;

mod berth;

mod handshake;
mod request;
mod upgrade;
mod websocket;

mod payload;
mod polling;
mod polls;

mod memory;
mod pulse;

#[cfg(test)]
mod sizes;

pub(crate) use self::{
    accept::accept,
    berth::{Berth, berth},
    dialect::Dialect,
    doors::Doors,
    frames::Frames,
    handshake::{accept_key, enter, switching},
    http::{Purpose, serve_on},
    line::Transport,
    memory::weigh,
    patient::Patient,
    pulse::{Beat, Pulse},
    request::Unfit,
    routes::{Answer, Asking, plain_text, unavailable, with_type},
    session::{Sent, Session},
    sessions::Sessions,
    sid::Ids,
    websocket::hear_rest,
    wire::Wire,
};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::{dialect::Reads, payload::decode as decode_body};
