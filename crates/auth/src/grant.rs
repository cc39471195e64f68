//! What a client that was let in is, and may hear.

use std::time::SystemTime;

use notice::{RoomPatterns, TokenId, UserId};

/// The outcome of a token or of the backend's answer. Clones share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    pub user: UserId,
    /// The rooms that it opens.
    pub rooms: RoomPatterns,
    /// When the socket must end; a leeway for clocks is in it.
    pub expires: Option<SystemTime>,
    pub proof: Proof,
}

/// What a grant goes back to, as far as that decides whether a revocation is about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    Token {
        /// Its `jti`.
        id: Option<TokenId>,
        /// Its `iat`.
        issued: Option<SystemTime>,
    },
    /// The backend's, who knew of so many revocations when it was asked.
    Answer { turn: u64 },
}
