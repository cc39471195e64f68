//! Why a client is not let in. A closed list, but for what the backend itself wants it to read.

use std::{borrow::Cow, sync::Arc};

/// A client reads the text; an operator counts the label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Denial {
    NoToken,
    /// No token of three parts, too long, or with claims of the wrong type.
    Malformed,
    /// An algorithm that is not taken, or not this key's.
    Algorithm,
    /// No key is known by the name in its header.
    UnknownKey,
    Signature,
    Expired,
    /// `exp` is missing: a token without an end cannot end a socket.
    NoExpiry,
    /// `nbf` or `iat` lies ahead.
    Early,
    Issuer,
    Audience,
    /// `sub` is missing, or no name.
    Subject,
    /// It was taken back.
    Revoked,
    /// The backend's own words.
    Backend(Arc<str>),
    /// The backend, or whoever has the keys, did not answer. The one reason that may pass.
    Unreachable,
    /// More questions wait for the backend than may.
    Busy,
}

impl Denial {
    /// What the client reads.
    pub fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NoToken => "token is required",
            Self::Malformed => "token is malformed",
            Self::Algorithm => "token's algorithm is not taken",
            Self::UnknownKey => "token's key is unknown",
            Self::Signature => "token's signature is wrong",
            Self::Expired => "token has expired",
            Self::NoExpiry => "token has no exp",
            Self::Early => "token is not valid yet",
            Self::Issuer => "token's issuer is wrong",
            Self::Audience => "token's audience is wrong",
            Self::Subject => "token names no user",
            Self::Revoked => "token is revoked",
            Self::Backend(said) => return Cow::Owned(said.to_string()),
            Self::Unreachable | Self::Busy => "try again later",
        })
    }

    pub fn label(&self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_key",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NoExpiry => "token_no_expiry",
            Self::Early => "token_early",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Subject => "token_subject",
            Self::Revoked => "token_revoked",
            Self::Backend(_) => "backend",
            Self::Unreachable => "auth_unreachable",
            Self::Busy => "auth_busy",
        }
    }

    /// Every label, for metrics that are there from the start.
    pub const LABELS: [&'static str; 15] = [
        "no_token",
        "token_malformed",
        "token_algorithm",
        "token_key",
        "token_signature",
        "token_expired",
        "token_no_expiry",
        "token_early",
        "token_issuer",
        "token_audience",
        "token_subject",
        "token_revoked",
        "backend",
        "auth_unreachable",
        "auth_busy",
    ];

    /// Whether the client should stop trying.
    pub fn is_for_good(&self) -> bool {
        !matches!(self, Self::Unreachable | Self::Busy)
    }
}
