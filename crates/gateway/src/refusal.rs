//! Why a client may not take a seat. A closed list: nothing else reaches a client as the reason of a
//! connect error.

use std::borrow::Cow;

use auth::Denial;
use http::StatusCode;

use crate::departure::Departure;

/// A reason that will not pass by itself, so the client is told to stop trying.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    UserRequired,
    UsersDiffer,
    UserMalformed,
    RoomMalformed,
    SinceMalformed,
    AuthMalformed,
    UnknownNamespace,
    TooManySockets,
    /// Another user was named than the token's.
    NotTheUser,
    RoomNotGranted,
    /// What the gate says.
    Denied(Denial),
    RoomFull,
    /// The store did not answer: the one reason for which a client is made to come back.
    StoreAway,
}

impl Refusal {
    /// What the client reads.
    pub(crate) fn message(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::UserRequired => "user is required",
            Self::UsersDiffer => "user and userIdentity differ",
            Self::UserMalformed => "user is malformed",
            Self::RoomMalformed => "room is malformed",
            Self::SinceMalformed => "since is malformed",
            Self::AuthMalformed => "auth is malformed",
            // The words of Node's own server, which clients and suites know.
            Self::UnknownNamespace => "Invalid namespace",
            Self::TooManySockets => "too many sockets of this user",
            Self::RoomFull => "the room is full",
            Self::NotTheUser => "user is not the token's",
            Self::RoomNotGranted => "room is not granted",
            Self::Denied(denial) => return denial.message(),
            Self::StoreAway => "try again later",
        })
    }

    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::UserRequired => "user_required",
            Self::UsersDiffer => "users_differ",
            Self::UserMalformed => "user_malformed",
            Self::RoomMalformed => "room_malformed",
            Self::SinceMalformed => "since_malformed",
            Self::AuthMalformed => "auth_malformed",
            Self::UnknownNamespace => "unknown_namespace",
            Self::TooManySockets => "too_many_sockets",
            Self::RoomFull => "room_full",
            Self::NotTheUser => "not_the_user",
            Self::RoomNotGranted => "room_not_granted",
            Self::Denied(denial) => denial.label(),
            Self::StoreAway => "store_away",
        }
    }

    /// Whether the client should stop trying.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            Self::StoreAway | Self::TooManySockets | Self::RoomFull => false,
            Self::Denied(denial) => denial.is_for_good(),
            _ => true,
        }
    }

    /// How a connection ends that was refused after it had been opened.
    pub(crate) fn departure(&self) -> Departure {
        match self {
            Self::StoreAway => Departure::StoreAway,
            Self::Denied(denial) if !denial.is_for_good() => Departure::AuthAway,
            _ => Departure::Refused,
        }
    }

    /// The answer to a plain client, before its connection is upgraded.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Denied(denial) if !denial.is_for_good() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(Denial::Backend(_)) => StatusCode::FORBIDDEN,
            Self::UserRequired | Self::Denied(_) => StatusCode::UNAUTHORIZED,
            Self::TooManySockets | Self::RoomFull => StatusCode::TOO_MANY_REQUESTS,
            Self::StoreAway => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        }
    }
}
