//! Why the bus would not do what it was asked, in terms that its caller can act on.

use std::time::Duration;

use notice::{Audience, NodeId};
use thiserror::Error;

/// The bus did not take the notice.
#[derive(Clone, Debug, Error)]
pub enum PublishError {
    /// No node has seen it, and no retry will help: the sender must say less.
    #[error("publish to {audience}: {len_bytes} bytes, and {len_bytes_max} are allowed")]
    TooLarge { audience: Audience, len_bytes: usize, len_bytes_max: usize },

    /// No node has seen it and nothing was stored. Slow down, then hand it in again.
    #[error("publish to {audience}: all {inbox_len_max} places of node {node} stayed taken")]
    Backlogged { audience: Audience, node: NodeId, inbox_len_max: usize },

    /// No node has seen it and nothing was stored. Places come free as tasks and audiences are
    /// forgotten, which takes hours: waiting for that would hold up everybody else.
    #[error("publish to {audience}: all {len_max} places for {what} are taken")]
    Full { audience: Audience, what: &'static str, len_max: usize },

    /// The bus is away, and nothing was tried. Hand it in again.
    #[error("publish to {audience}: the bus does not answer")]
    Unreachable { audience: Audience },

    /// It was on the way when the bus stopped answering, so some nodes may have seen it. Handing it in
    /// again is safe where it is about a task; any other notice may arrive twice.
    #[error("publish to {audience}: the bus did not answer")]
    Unconfirmed { audience: Audience },

    /// Its primary has it, and some nodes may have seen it, but too few replicas confirmed it in time.
    /// Handing it in again is safe: a task's notice is known by its order or its end and is not taken
    /// twice, and once the replicas have it the answer says so; any other notice may arrive twice.
    #[error("publish to {audience}: {replicas} replicas have it, and {replicas_min} are asked for")]
    Unreplicated { audience: Audience, replicas: usize, replicas_min: usize },

    /// No node has seen it, and no retry will help: what is kept for one room must be for all of it, and for
    /// it alone.
    #[error("publish to {audience}: the room is kept, and this is not for all of it and it alone")]
    Narrowed { audience: Audience },

    /// The bus will not take it, and will say the same again until a person has mended it.
    #[error("publish to {audience}: {reason}")]
    Broken { audience: Audience, reason: String },
}

impl PublishError {
    /// Whether the same notice, unchanged, may be taken soon.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TooLarge { .. }
            | Self::Full { .. }
            | Self::Narrowed { .. }
            | Self::Broken { .. } => false,
            Self::Backlogged { .. }
            | Self::Unreachable { .. }
            | Self::Unconfirmed { .. }
            | Self::Unreplicated { .. } => true,
        }
    }

    /// Whether some node may have seen the notice all the same.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Unconfirmed { .. } | Self::Unreplicated { .. })
    }
}

/// The bus did not answer a node's question.
#[derive(Clone, Debug, Error)]
pub enum BusError {
    /// As many audiences are listened to as the bus allows.
    #[error("listen to {audience}: all {len_max} places for audiences are taken")]
    Full { audience: Audience, len_max: usize },

    /// The bus is away. The same question may be answered later.
    #[error("ask about {audience}: the bus does not answer")]
    Unreachable { audience: Audience },

    /// The bus will say the same again until a person has mended it.
    #[error("ask about {audience}: {reason}")]
    Broken { audience: Audience, reason: String },
}

impl BusError {
    /// Whether the same question may be answered soon.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// Nobody was let into the room, and nobody was put out; or that is not known.
#[derive(Clone, Debug, Error)]
pub enum LoginError {
    /// The bus did not answer. Should it have let the member in, that is taken back.
    #[error("log in to {room}: the bus does not answer")]
    Unreachable { room: Audience },

    /// The store is new, or another process has taken it over: logins may have been lost, and until those
    /// have run out nobody may take a room alone. `wait` is how long that is.
    #[error("log in to {room}: what was held before is not known yet, for {wait:?}")]
    Unsettled { room: Audience, wait: Duration },

    #[error("log in to {room}: all {len_max} places for {what} are taken")]
    Full { room: Audience, what: &'static str, len_max: usize },

    /// The bus will say the same again until a person has mended it.
    #[error("log in to {room}: {reason}")]
    Broken { room: Audience, reason: String },
}

/// The bus did not carry a signal, or a question to the other nodes.
#[derive(Clone, Debug, Error)]
pub enum SignalError {
    /// The bus is away. The same may be carried later.
    #[error("signal other nodes: the bus does not answer")]
    Unreachable,

    /// This node has as many open as it may. Places come free as others end.
    #[error("signal other nodes: all {len_max} places for {what} are taken")]
    Full { what: &'static str, len_max: usize },

    #[error("signal other nodes: {len_bytes} bytes, and {len_bytes_max} are allowed")]
    TooLarge { len_bytes: usize, len_bytes_max: usize },

    /// This node has left the bus.
    #[error("signal other nodes: this node has left the bus")]
    Gone,

    /// The bus will say the same again until a person has mended it.
    #[error("signal other nodes: {reason}")]
    Broken { reason: String },
}

impl SignalError {
    /// Whether the same may work soon.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable | Self::Full { .. } => true,
            Self::TooLarge { .. } | Self::Gone | Self::Broken { .. } => false,
        }
    }
}

/// The bus did not take a revocation, or did not say what is revoked.
#[derive(Clone, Debug, Error)]
pub enum RevocationError {
    /// The bus is away, and it is not known whether it has taken it. Handing it in again is safe.
    #[error("keep what is revoked: the bus does not answer")]
    Unreachable,

    /// Places come free as those that are kept run out.
    #[error("keep what is revoked: all {len_max} places are taken")]
    Full { len_max: usize },

    /// The bus will say the same again until a person has mended it.
    #[error("keep what is revoked: {reason}")]
    Broken { reason: String },
}

/// A seat is not held, or not known to be.
#[derive(Clone, Debug, Error)]
pub enum SeatError {
    /// The bus is away. The same may be done later.
    #[error("hold a seat for its client: the bus does not answer")]
    Unreachable,

    /// Places come free as seats are held no more.
    #[error("hold a seat for its client: all {len_max} places are taken")]
    Full { len_max: usize },

    /// The bus will say the same again until a person has mended it.
    #[error("hold a seat for its client: {reason}")]
    Broken { reason: String },
}

/// What a client said is not known to be in the stream.
#[derive(Clone, Debug, Error)]
pub enum UplinkError {
    /// No retry will help: the client must say less.
    #[error("hand on what a client said: {len_bytes} bytes, and {len_bytes_max} are allowed")]
    TooLarge { len_bytes: usize, len_bytes_max: usize },

    /// This sender says more than the stream takes; others are not concerned.
    #[error("hand on what a client said: its share of {len_bytes_max} bytes is taken")]
    ShareFull { len_bytes_max: usize },

    /// All senders together say more than the stream takes.
    #[error("hand on what a client said: all {len_bytes_max} bytes that may wait are taken")]
    Full { len_bytes_max: usize },

    /// The bus did not answer: it may be in the stream or not.
    #[error("hand on what a client said: the bus does not answer")]
    Unreachable,

    /// It is in the stream of the primary, but too few replicas confirmed it in time.
    #[error(
        "hand on what a client said: {replicas} replicas have it, {replicas_min} are asked for"
    )]
    Unreplicated { replicas: usize, replicas_min: usize },

    /// The bus will say the same again until a person has mended it.
    #[error("hand on what a client said: {reason}")]
    Broken { reason: String },

    /// This node has left the bus.
    #[error("hand on what a client said: this node has left the bus")]
    Gone,
}
