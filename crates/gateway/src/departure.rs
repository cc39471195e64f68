//! Why a socket left. A closed list: the label of `carillon_departures_total`, and for those that the
//! server chooses, the `reason` that clients are told before.

use std::time::Duration;

/// The end of an engine session, and with it of all its seats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Departure {
    /// The client closed the transport, or left its last namespace.
    Client,
    /// The connection broke.
    TransportError,
    /// No sign of life within ping interval and timeout.
    PingTimeout,
    /// Bytes that are no packet, or a packet out of its place.
    BadPacket,
    /// A text that is no UTF-8.
    NotText,
    /// One message above `limits.payload_bytes`.
    TooLarge,
    /// Far more than `limits.events_per_second`: past `limits.packets_per_second`.
    Events,
    /// More than `limits.bytes_per_second`.
    Bytes,
    /// The body of a request did not come within `limits.handshake`.
    Late,
    /// No namespace joined within `limits.handshake`.
    NoConnect,
    /// More than `limits.queue_bytes` waited for it.
    Slow,
    /// It read nothing for `limits.stall` while something waited.
    Stalled,
    /// A poll was given up, or two ran at once.
    Poll,
    /// The store did not answer when it joined a namespace.
    StoreAway,
    /// Who could say who it is did not answer.
    AuthAway,
    /// Its token, or what the backend granted, came to its end.
    Expired,
    /// What it was let in by was taken back.
    Revoked,
    /// Its only namespace was refused between its handshake and its seat.
    Refused,
    /// A backend put it out.
    Kicked,
    /// The node goes.
    Drain,
    /// The node has more than its share.
    Rebalance,
    /// It stayed for `limits.max_age`.
    Age,
}

impl Departure {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::TransportError => "transport_error",
            Self::PingTimeout => "ping_timeout",
            Self::BadPacket => "bad_packet",
            Self::NotText => "not_text",
            Self::TooLarge => "too_large",
            Self::Events => "events",
            Self::Bytes => "bytes",
            Self::Late => "late",
            Self::NoConnect => "no_connect",
            Self::Slow => "slow",
            Self::Stalled => "stalled",
            Self::Poll => "poll",
            Self::StoreAway => "store_away",
            Self::AuthAway => "auth_away",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Refused => "refused",
            Self::Kicked => "kicked",
            Self::Drain => "drain",
            Self::Rebalance => "rebalance",
            Self::Age => "max_age",
        }
    }

    pub(crate) const ALL: [Self; 22] = [
        Self::Client,
        Self::TransportError,
        Self::PingTimeout,
        Self::BadPacket,
        Self::NotText,
        Self::TooLarge,
        Self::Events,
        Self::Bytes,
        Self::Late,
        Self::NoConnect,
        Self::Slow,
        Self::Stalled,
        Self::Poll,
        Self::StoreAway,
        Self::AuthAway,
        Self::Expired,
        Self::Revoked,
        Self::Refused,
        Self::Kicked,
        Self::Drain,
        Self::Rebalance,
        Self::Age,
    ];

    /// When a client that was told should come back.
    pub(crate) fn retry_after(self) -> Duration {
        match self {
            Self::Slow | Self::Events | Self::Bytes | Self::StoreAway | Self::AuthAway => {
                Duration::from_secs(5)
            }
            _ => Duration::from_secs(1),
        }
    }

    /// The close code of RFC 6455 §7.4.1 that says it best, of those that the oldest clients take: 1012,
    /// registered later, ends a Node process with client 1.4.
    pub(crate) fn close_code(self) -> u16 {
        match self {
            Self::Client => 1000,
            Self::BadPacket => 1002,
            Self::NotText => 1007,
            Self::TooLarge => 1009,
            Self::Slow
            | Self::Stalled
            | Self::Events
            | Self::Bytes
            | Self::Refused
            | Self::Expired
            | Self::Revoked
            | Self::Kicked => 1008,
            _ => 1001,
        }
    }
}
