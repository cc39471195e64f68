//! The command line: which servers, which scenario, how much of it. Bounds are checked here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::target::Target;

/// Measures Carillon beside its peers: same clients, same publisher, one run.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Settings {
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// What is played.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Seats sockets, then leaves them in peace: CPU of a handshake, memory of a quiet socket.
    Idle(Idle),
    /// One message to every socket, at a steady rate: CPU and delay of a delivery.
    Fanout(Fanout),
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// A server to measure: carillon, stock or floor, with its binary. `carillon:old` names a
    /// second of a kind. Ratios are the first one's to each of the others.
    #[arg(long = "target", value_name = "NAME=BIN", required = true)]
    pub(crate) targets: Vec<Target>,

    /// Clients of each server.
    #[arg(long, default_value_t = 4_000, value_parser = bounded(1, 19_000))]
    pub(crate) sockets: usize,

    /// Times every server is measured, by turns. The median of each figure is reported.
    #[arg(long, default_value_t = 1, value_parser = bounded(1, 9))]
    pub(crate) rounds: usize,

    /// Also writes the report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Leaves placing to the kernel, instead of server on core 0 and generator on core 1.
    #[arg(long)]
    pub(crate) no_pin: bool,

    /// Lets what the servers print through to stderr.
    #[arg(long)]
    pub(crate) server_output: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Quiet time after the last socket is seated, before memory is read again.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    pub(crate) settle_seconds: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Fanout {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Messages a second.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) rate: u32,

    /// Length of the measured part, after a warm-up of one second.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,

    /// Size of a message's data, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(64, 65_536))]
    pub(crate) bytes: usize,
}

fn bounded(low: u64, high: u64) -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser as _;
    value_parser!(u64)
        .range(low..=high)
        .map(|value| usize::try_from(value).expect("the ranges above fit in 32 bits"))
}
