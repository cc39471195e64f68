//! The process: settings in, a node running, an exit code out.
//!
//! [`run`] is the command line; [`Node`] is what `carillon serve` runs, and what a test starts on
//! port 0. Here alone the other rooms meet: `ingest` and `gateway` know nothing of each other.
//!
//! May enter: arguments, the environment, one settings file, signals.
//! May not enter: what a notice says.

mod settings;

mod bus;
mod node;

mod demo;

mod events;
mod telemetry;

mod cli;
mod exit;

pub use crate::{
    bus::{JoinError, SharedBus},
    cli::run,
    exit::Exit,
    node::{Node, RunError, StartError},
    settings::{
        ApiKey, Auth, Config, Drain, Flag, Ingest, Internal, KeyFiles, Leases, Mistake, Mistakes,
        Origin, Public, Recovery, Redis, Role, Roles, Settings, Signing, Sources, Telemetry,
    },
};
