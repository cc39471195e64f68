//! The command line: which command, with which settings, and where its words go.
//!
//! May enter: the process's arguments and environment, as they were handed to it.
//! May not enter: anything that a command does; each is a module here, and writes to what it is given.

mod api;
mod arguments;
mod dead;
mod doctor;
mod explain;
mod healthcheck;
mod input;
mod listen;
mod ports;
mod probe;
mod publish;
mod remote;
mod serve;
mod signals;
mod target;
mod token;
mod trust;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    future::Future,
    io::{self, IsTerminal, Write},
};

use anyhow::Context as _;

use crate::{
    cli::arguments::{Cli, Command, SettingFlags},
    exit::{Exit, Failure},
    settings::Settings,
};

/// Where a command's words go: results to `out`, remarks to `err`.
struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Whether a person watches `err`.
    watched: bool,
    /// Whether a person reads `out`, and no program.
    out_watched: bool,
    environment: BTreeMap<String, String>,
}

/// Does what the arguments say, to the end. Prints to standard output and standard error.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Exit {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let environment = environment.into_iter().map(|(name, value)| (text(name), text(value)));
    let mut console = Console {
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        watched: io::stderr().is_terminal(),
        out_watched: io::stdout().is_terminal(),
        environment: environment.collect(),
    };
    let cli = match arguments::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &mut console),
    };
    match execute(cli, &mut console) {
        Ok(exit) => exit,
        Err(failure) => failure.report(console.err),
    }
}

/// Prints help where it was asked for, else what is wrong with the arguments.
fn refuse(error: &clap::Error, console: &mut Console<'_>) -> Exit {
    let (exit, to) = if error.use_stderr() {
        (Exit::Usage, &mut console.err)
    } else {
        (Exit::Stopped, &mut console.out)
    };
    // Without a place to say it, the exit code still does.
    drop(write!(to, "{}", error.render()));
    exit
}

fn execute(cli: Cli, console: &mut Console<'_>) -> Result<Exit, Failure> {
    match cli.command.unwrap_or(Command::Serve(cli.settings)) {
        Command::Serve(flags) => serve::serve(console.settings(flags).into_config()?, console),
        Command::Demo(flags) => serve::demo(console.settings(flags).into_config()?, console),
        Command::Publish(args) => publish::publish(&args, console),
        Command::Dead(command) => dead::dead(command, console),
        Command::Listen(args) => listen::listen(&args, console),
        Command::Explain(args) => {
            let config = console.settings(args.settings).into_config()?;
            explain::explain(&args.file, &config.ingest.status, console)
        }
        Command::Check(flags) => {
            console.settings(flags).into_config()?;
            writeln!(console.out, "the settings are right")?;
            Ok(Exit::Stopped)
        }
        Command::Config(flags) => {
            let settings = console.settings(flags);
            settings.clone().into_config()?;
            settings.show(console.out)?;
            Ok(Exit::Stopped)
        }
        Command::Token(args) => {
            let settings = console.settings(args.settings.clone());
            token::token(&args, settings, console)
        }
        Command::Doctor(args) => doctor::doctor(args, console),
        Command::Healthcheck(args) => healthcheck::healthcheck(&args, console),
        Command::Probe(args) => probe::probe(&args, console),
    }
}

impl Console<'_> {
    fn settings(&self, flags: SettingFlags) -> Settings {
        Settings::load(&flags.into_sources(self.environment.clone()))
    }
}

/// Runs one command's future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("start the runtime")?;
    let result = runtime.block_on(future);
    // A reader of standard input may wait for ever; the process does not wait for it.
    runtime.shutdown_background();
    result
}
