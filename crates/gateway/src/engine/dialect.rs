//! What a session speaks, and what follows from that for its bytes.

use bytes::Bytes;

use crate::encoded::Encoded;

/// What a session speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    /// Engine.IO 3, Socket.IO 4: clients 1.x and 2.x.
    Engine3 { reads: Reads },
    /// Engine.IO 4, Socket.IO 5: clients 3.x and 4.x.
    Engine4,
    /// A plain WebSocket with JSON messages.
    PlainWebSocket,
    /// Server-sent events.
    EventStream,
}

/// Which form of a polling body an Engine.IO 3 client reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reads {
    /// Text alone, as it asked with `b64`.
    Text,
    /// Both, by the content type.
    Both,
    /// Binary alone: clients up to 1.2 in a browser.
    Binary,
}

impl Dialect {
    pub(crate) fn is_engine(self) -> bool {
        matches!(self, Self::Engine3 { .. } | Self::Engine4)
    }

    pub(crate) fn is_engine3(self) -> bool {
        matches!(self, Self::Engine3 { .. })
    }

    /// The label of metrics, and the `protocol` of listings.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Engine3 { .. } => "eio3",
            Self::Engine4 => "eio4",
            Self::PlainWebSocket | Self::EventStream => "plain",
        }
    }

    /// The form of a packet on a WebSocket of this dialect.
    pub(crate) fn frames(self) -> fn(&Encoded) -> &Bytes {
        match self {
            Self::Engine3 { .. } => Encoded::websocket_v3,
            _ => Encoded::websocket,
        }
    }
}
