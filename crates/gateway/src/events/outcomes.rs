//! What may become of things: closed lists, each the label of one counter.

/// What became of a handshake: the label of `carillon_handshakes_total` where it is no refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Handshake {
    Seated,
    Origin,
    /// `limits.sockets`.
    Overloaded,
    /// `limits.sockets_per_address`, or the address has its part of `limits.handshakes`.
    AddressFull,
    /// `limits.accepts_per_second`.
    Accepts,
    /// `limits.handshakes`.
    Handshakes,
    /// `limits.memory`.
    Memory,
    /// The process has no file left for a connection.
    NoFile,
    /// The node goes.
    Draining,
    BadRequest,
    /// A proxy that is believed did not begin with its PROXY header.
    NotIntroduced,
    /// A proxy that is believed named no address.
    Forwarded,
    /// What came is no HTTP.
    Malformed,
    /// `limits.header_bytes`.
    HeadTooLarge,
    /// A request's head was not there within `limits.handshake`.
    HeadLate,
    /// And a WebSocket's probe.
    ProbeLate,
}

impl Handshake {
    pub(super) const ALL: [Self; 16] = [
        Self::Seated,
        Self::Origin,
        Self::Overloaded,
        Self::AddressFull,
        Self::Accepts,
        Self::Handshakes,
        Self::Memory,
        Self::NoFile,
        Self::Draining,
        Self::BadRequest,
        Self::NotIntroduced,
        Self::Forwarded,
        Self::Malformed,
        Self::HeadTooLarge,
        Self::HeadLate,
        Self::ProbeLate,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Seated => "seated",
            Self::Origin => "origin",
            Self::Overloaded => "overloaded",
            Self::AddressFull => "address_full",
            Self::Accepts => "accepts",
            Self::Handshakes => "handshakes",
            Self::Memory => "memory",
            Self::NoFile => "no_file",
            Self::Draining => "draining",
            Self::BadRequest => "bad_request",
            Self::NotIntroduced => "proxy_header",
            Self::Forwarded => "forwarded",
            Self::Malformed => "malformed",
            Self::HeadTooLarge => "head_too_large",
            Self::HeadLate => "head_late",
            Self::ProbeLate => "probe_late",
        }
    }
}

/// Why something was not passed on: the label of `carillon_dropped_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dropped {
    /// Progress that newer progress of its task replaced while it waited for a slow socket.
    Superseded,
    /// A request for what the store keeps, while it did not answer.
    StoreAway,
    /// Finals that were no longer kept when this node could read them.
    Behind,
    /// A message from a plain client that is none.
    Malformed,
    /// A newer token of a socket that was not taken.
    Token,
    /// An acknowledgement that nobody waits for, or no more.
    StrayAck,
    /// A question or an answer of another release's node.
    Stranger,
    /// A volatile notice for a socket that could not take it at once.
    Volatile,
    /// A notice for one socket by the workers' road, whose id was this node's and is nobody's.
    UnknownSocket,
    /// A room that a socket would join beyond `limits.rooms_per_socket`.
    RoomsFull,
    /// A seat that is not held for its client, because the store did not take it.
    Unheld,
}

impl Dropped {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::StoreAway => "store_away",
            Self::Behind => "behind",
            Self::Malformed => "malformed",
            Self::Token => "token",
            Self::StrayAck => "stray_ack",
            Self::Stranger => "stranger",
            Self::Volatile => "volatile",
            Self::UnknownSocket => "unknown_socket",
            Self::RoomsFull => "rooms_full",
            Self::Unheld => "unheld",
        }
    }
}

/// What became of an event from a client: the label of `carillon_client_events_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    /// It is one of ours: `tasks`, `loginRoom`, `leaveRoom`.
    Answered,
    /// It is on its way to the backend.
    HandedOn,
    /// It was not let onto that way; the bus counts why.
    NotHandedOn,
    /// It went to a room's other members, or its client may not speak to them, or the bus did not take it.
    Relayed,
    NotRelayed,
    /// More than `limits.events_per_second`.
    Limited,
    /// Under a name that clients may not use.
    Reserved,
    /// Nested so deep that whoever reads it may fall.
    TooDeep,
    /// Nobody is there for it.
    Unhandled,
    /// In a namespace where its client does not sit.
    Unseated,
}

impl Heard {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::HandedOn => "handed_on",
            Self::NotHandedOn => "not_handed_on",
            Self::Relayed => "relayed",
            Self::NotRelayed => "not_relayed",
            Self::Limited => "limited",
            Self::Reserved => "reserved",
            Self::TooDeep => "too_deep",
            Self::Unhandled => "unhandled",
            Self::Unseated => "unseated",
        }
    }
}

/// What became of a question put to one socket: the label of `carillon_acks_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asking {
    Answered,
    /// It said nothing in time, or the one who asked has gone.
    Timeout,
    /// It left before it answered.
    Gone,
    /// It had left, or has no way to answer.
    Unable,
    /// It, or the node, had too many questions open.
    Busy,
    /// Its answer is larger, or nests deeper, than a payload may.
    TooLarge,
}

impl Asking {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Timeout => "timeout",
            Self::Gone => "gone",
            Self::Unable => "unable",
            Self::Busy => "busy",
            Self::TooLarge => "too_large",
        }
    }
}

/// What became of a call of `/v1/downlink`: the label of `carillon_downlinks_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Downlink {
    Sent,
    /// The caller has to say it differently.
    Malformed,
    /// The bus did not take it.
    Away,
}

impl Downlink {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Malformed => "malformed",
            Self::Away => "away",
        }
    }
}

/// What became of an order to this node's sockets: the label of `carillon_orders_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ordered {
    Done,
    /// Some of them stayed out of a room that is full, or had as many as they may have.
    Full,
    NotHere,
    /// The bus did not answer.
    Unable,
    /// Too many waited already.
    Busy,
    /// Whoever gave it waited no more when its turn came.
    Late,
    /// A node of another release gave it.
    Unknown,
}

impl Ordered {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Full => "full",
            Self::NotHere => "not_here",
            Self::Unable => "unable",
            Self::Busy => "busy",
            Self::Late => "late",
            Self::Unknown => "unknown",
        }
    }
}
