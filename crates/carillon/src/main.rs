//! One node of the push cluster, as a process: hand over what the process was given, and end with the
//! code that comes back. Everything else is in [`carillon::run`].

use std::{env, process::ExitCode};

use tikv_jemallocator::Jemalloc;

// Gives memory back after a burst of sockets, which the system's allocator here does not.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    carillon::run(env::args_os(), env::vars_os()).into()
}
