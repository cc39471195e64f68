//! The project's own chores: `cargo xtask test` and its siblings, from an order to an exit code.
//!
//! May enter: programs of other people (cargo, node, apt-get), run as they are, without a shell.
//! May not enter: our crates, and theirs. Nothing has to be built before a chore can start.
//!
//! Promise: what is installed is announced first; what failed says how to run it again.

use std::{io, process::ExitCode};

mod order;

mod chores;
mod step;

mod bounded;
mod errand;
mod failure;
mod tally;
mod toolbox;
mod workshop;

use crate::{failure::Failure, order::Order, workshop::Workshop};

fn main() -> ExitCode {
    let mut shop = Workshop::open(Box::new(io::stdout()));
    match Order::parse(std::env::args().skip(1)).and_then(|order| carry_out(order, &mut shop)) {
        Ok(code) => code,
        Err(failure) => {
            shop.say(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn carry_out(order: Order, shop: &mut Workshop) -> Result<ExitCode, Failure> {
    match order {
        Order::Help => {
            shop.say(order::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Order::Test(choice) => step::walk("test", chores::TEST, &choice, shop),
        Order::Audit(choice) => step::walk("audit", chores::AUDIT, &choice, shop),
        Order::Kube(choice) => step::walk("kube", chores::KUBE, &choice, shop),
        Order::Image(choice) => step::walk("image", chores::IMAGE, &choice, shop),
        Order::Fuzz(choice) => step::walk("fuzz", chores::FUZZ, &choice, shop),
        Order::Chaos(choice) => step::walk("chaos", chores::CHAOS, &choice, shop),
        Order::Soak(choice) => step::walk("soak", chores::SOAK, &choice, shop),
        Order::Bounded { limit, program, args } => bounded::run(limit, &program, &args),
    }
}
