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
mod session;
mod sessions;
mod sid;
mod wire;

mod accept;
mod addresses;
mod agreement;
mod http;
mod patient;
mod routes;

mod handshake;
mod request;
mod upgrade;
mod websocket;

mod payload;
mod polling;

mod pulse;

pub(crate) use self::{
    accept::{Doors, accept, let_in},
    dialect::Dialect,
    frames::Frames,
    handshake::{accept_key, enter, switching},
    http::{Purpose, serve_on},
    line::Transport,
    patient::Patient,
    pulse::{Beat, Pulse},
    request::Unfit,
    routes::{Answer, Asking, json, plain_text, unavailable, with_type},
    session::Session,
    sessions::Sessions,
    sid::Ids,
    websocket::hear_rest,
    wire::Wire,
};
