//! What an Engine.IO request asks for, and how it is turned down.

use std::borrow::Cow;

use engineioxide_core::ProtocolVersion;

use super::{
    dialect::{Dialect, Reads},
    polls::Stamp,
};
use crate::socket::Query;

/// The query of an Engine.IO request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) dialect: Dialect,
    pub(super) transport: Asks,
    /// The session it belongs to; `None`: it wants a new one.
    pub(super) session: Option<Cow<'a, str>>,
    pub(super) stamp: Option<Stamp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asks {
    Polling,
    WebSocket,
}

/// Why a request is answered 400. Code and text are those of Node's Engine.IO (its
/// `Server.errors`), which clients show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unfit {
    TransportUnknown,
    SessionUnknown,
    BadHandshakeMethod,
    OutOfPlace,
    UnsupportedProtocol,
    Jsonp,
}

impl Unfit {
    pub(super) fn json(self) -> String {
        let (code, message) = match self {
            Self::TransportUnknown => (0, "Transport unknown"),
            Self::SessionUnknown => (1, "Session ID unknown"),
            Self::BadHandshakeMethod => (2, "Bad handshake method"),
            Self::OutOfPlace => (3, "Bad request"),
            Self::UnsupportedProtocol => (5, "Unsupported protocol version"),
            Self::Jsonp => (3, "JSONP is not served here; use polling with CORS or WebSocket"),
        };
        format!("{{\"code\":{code},\"message\":\"{message}\"}}")
    }
}

impl<'a> Asked<'a> {
    pub(super) fn read(query: Query<'a>) -> Result<Self, Unfit> {
        if query.get("j").is_some() {
            return Err(Unfit::Jsonp);
        }
        let transport = match query.get("transport").as_deref() {
            Some("polling") => Asks::Polling,
            Some("websocket") => Asks::WebSocket,
            _ => return Err(Unfit::TransportUnknown),
        };
        let version = query.get("EIO").and_then(|version| version.parse().ok());
        let dialect = match version {
            Some(ProtocolVersion::V3) => Dialect::Engine3 { reads: reads(query) },
            Some(ProtocolVersion::V4) => Dialect::Engine4,
            None => return Err(Unfit::UnsupportedProtocol),
        };
        let stamp = query.get("t").map(|t| Stamp::of(&t));
        Ok(Self { dialect, transport, session: query.get("sid"), stamp })
    }
}

/// What an Engine.IO 3 client says of itself. Clients up to 1.2 do not say it, but they alone send `t`
/// as milliseconds and a count joined by a dash; in a browser they take no body that is not binary.
fn reads(query: Query<'_>) -> Reads {
    let b64 = query.get("b64").is_some_and(|b64| b64 != "0" && b64 != "false");
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let oldest = query
        .get("t")
        .is_some_and(|t| t.split_once('-').is_some_and(|(millis, n)| digits(millis) && digits(n)));
    match (b64, oldest) {
        (true, _) => Reads::Text,
        (false, true) => Reads::Binary,
        (false, false) => Reads::Both,
    }
}
