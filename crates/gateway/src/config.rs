//! What a gateway is told at start, already checked.

use std::{sync::Arc, time::Duration};

use notice::{Namespace, NodeId, RoomPatterns};

use crate::{origins::Origins, proxies::Proxies, script::Bundle, tls::Identity};

/// Everything a gateway needs to know. `carillon` makes one from the settings; nothing here is checked
/// again.
#[derive(Clone, Debug)]
pub struct Config {
    pub node: NodeId,
    /// What this node's process does, for the lists of the others.
    pub roles: Vec<String>,
    /// Where the other nodes find this one's internal port, as `host:port`; none: they cannot pass on to it.
    pub advertised: Option<String>,
    /// The path of Engine.IO requests, with a slash at both ends: `/socket.io/`.
    pub path: String,
    pub namespaces: Vec<Namespace>,
    /// What the port shows over TLS; without one it speaks plainly.
    pub tls: Option<Identity>,
    /// What speaks for clients in front of the node.
    pub proxies: Proxies,
    pub origins: Origins,
    /// Served as `socket.io.js` under `path`.
    pub serve_client: Option<Arc<Bundle>>,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    /// How far back a newcomer without a cursor is told of ended tasks.
    pub recovery_window: Duration,
    /// Who was away for no longer than that gets its seat back by Socket.IO's connection state recovery.
    pub recovery_native: bool,
    pub conformance: Option<Conformance>,
    /// What asks clients who they are.
    pub auth: auth::Config,
    /// A cookie that may hold a token.
    pub auth_cookie: Option<String>,
    /// How long a revocation is kept: no token may live longer.
    pub revocation_keep: Duration,
    /// `/v1/downlink` answers every call alike, whatever became of it.
    pub downlink_always_ok: bool,
    pub limits: Limits,
    /// How long a socket stays at most; then it is made to come back, to whichever node.
    pub age_max: Option<Duration>,
    /// How long those in front of a node need to notice that it goes.
    pub drain_delay: Duration,
    /// How long emptying a running node takes, where nobody says.
    pub drain_over: Duration,
    pub uplink: Uplink,
    /// Of how much of what is sent over HTTP the trace is recorded.
    pub sampling: trace::Sampling,
}

/// What becomes of what clients say, beside the stream that the bus has for it.
#[derive(Clone, Debug, Default)]
pub struct Uplink {
    /// The backend also hears of connects, disconnects, joins and leavings.
    pub lifecycle: bool,
    /// Rooms whose members may speak to each other.
    pub relay: RoomPatterns,
}

/// What of a client's first request is kept for the gate.
#[derive(Clone, Debug)]
pub(crate) struct Showing {
    /// Whether a token in a header is of use.
    pub(crate) token: bool,
    pub(crate) cookie: Option<String>,
    /// In lower case.
    pub(crate) headers: Vec<String>,
    /// The whole query, and not only what names somebody.
    pub(crate) all: bool,
}

impl Showing {
    pub(crate) fn of(config: &Config) -> Self {
        let (token, headers) = match &config.auth.mode {
            auth::Mode::Anonymous => (false, Vec::new()),
            auth::Mode::Token(_) => (true, Vec::new()),
            auth::Mode::Hook(hook) => (true, hook.headers.clone()),
        };
        let all = matches!(config.auth.mode, auth::Mode::Hook(_));
        Self { token, cookie: config.auth_cookie.clone(), headers, all }
    }
}

/// What the official protocol suites expect of a server. Never on in production.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conformance {
    /// Every Engine.IO message is sent back.
    Engine,
    /// `auth` on connect, `message` comes back as `message-back`, `message-with-ack` is acknowledged.
    Socket,
}

/// The bounds of a gateway. Beside each, what happens to who goes past it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sessions on this node; 503.
    pub sockets: usize,
    /// Connections, and sessions, from one address, loopback exempt; 429.
    pub sockets_per_address: usize,
    /// Seats of one user in one namespace on this node; refused.
    pub sockets_per_user: usize,
    /// New connections a second; 503.
    pub accepts_per_second: u32,
    /// How many may come at once before that counts.
    pub accepts_burst: u32,
    /// Connections whose first request is not there yet; closed at once.
    pub handshakes: usize,
    /// Events a second from one socket, with a burst of as many; refused.
    pub events_per_second: u32,
    /// Packets a second from one socket, with a burst of three seconds' worth; it leaves as `events`.
    pub packets_per_second: u32,
    /// Bytes a second from one socket, with a burst of ten seconds' worth; it leaves as `bytes`.
    pub bytes_per_second: usize,
    /// Rooms of one seat; it gets into no further one.
    pub rooms_per_socket: usize,
    /// One request's line and headers; 431.
    pub header_bytes: usize,
    /// One inbound message or polling body; 413, or the socket leaves as `too_large`.
    pub payload_bytes: usize,
    /// What may wait for one socket; past it the socket leaves as `slow`.
    pub queue_bytes: usize,
    /// What the process may have in memory before newcomers are refused; 503.
    pub memory: Option<usize>,
    /// How long a reader may stand still while something waits; then it leaves as `stalled`.
    pub stall: Duration,
    /// Time to agree on TLS, and to send headers, bodies, an upgrade's probe and the first CONNECT.
    pub handshake: Duration,
}
