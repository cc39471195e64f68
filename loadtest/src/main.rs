//! The load generator, as a process: starts each server under test, or a pair of them
//! with Redis between, plays clients, publisher and workers, and prints what each thing cost.
//!
//! May enter: servers by path, the public protocols, loopback addresses.
//! May not enter: anything of the servers' insides. What is measured is seen from outside.
//!
//! Promise: every count and every wait has a limit, only 127.0.0.0/8 is spoken to, and no process
//! is ended but those started here.

mod failure;
mod settings;

mod target;

mod swarm;

mod answer;
mod get;
mod resp;

mod mark;
mod pace;
mod publisher;
mod tally;

mod scenario;

mod report;
mod stats;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::settings::Settings;

fn main() -> ExitCode {
    let settings = Settings::parse();
    match scenario::run(&settings, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell when stderr is gone.
            drop(writeln!(io::stderr(), "{}", failure.chain()));
            ExitCode::FAILURE
        }
    }
}
