//! The command line of the scenarios whose clients come back.

use clap::{Args, value_parser};

use super::{Common, bounded};

#[derive(Debug, Args)]
pub(crate) struct Restart {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Clients, each a user of its own, spread over three nodes.
    #[arg(long, default_value_t = 3_000, value_parser = bounded(3, 18_000))]
    pub(crate) sockets: usize,

    /// Ends a second that are handed in the whole time, for the users by turns.
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..=20_000))]
    pub(crate) rate: u32,

    /// The nodes' `drain.grace`, in seconds.
    #[arg(long, default_value_t = 25, value_parser = value_parser!(u32).range(2..=300))]
    pub(crate) grace: u32,

    /// New sockets a second that a node accepts, its `limits.accepts_per_second`.
    #[arg(long, default_value_t = 2_000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) accepts: u32,

    /// Size of a worker's message, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(160, 65_536))]
    pub(crate) bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Cut {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Clients of the node that is killed, each a user of its own.
    #[arg(long, default_value_t = 6_000, value_parser = bounded(1, 16_000))]
    pub(crate) sockets: usize,

    /// Clients of the node that stays.
    #[arg(long, default_value_t = 300, value_parser = bounded(1, 2_000))]
    pub(crate) others: usize,

    /// Ends a second for the ones, and as many for the others, by turns.
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,

    /// How long all is well before the node is killed, to have something to compare with.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=60))]
    pub(crate) seconds: u32,

    /// Quiet time after all are back, before memory is read again.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=600))]
    pub(crate) settle_seconds: u32,

    /// New sockets a second that the node accepts that stays, its `limits.accepts_per_second`, where it has such.
    #[arg(long, default_value_t = 2_000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) accepts: u32,

    /// Size of an end's data, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(160, 65_536))]
    pub(crate) bytes: usize,
}
