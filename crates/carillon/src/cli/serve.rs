//! `carillon serve` and `carillon demo`: a node until a signal says stop.

use std::{io, pin::pin};

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Console, block_on, ports, signals::StopSignals},
    events,
    exit::{Exit, Failure},
    node::{Node, StartError},
    settings::Config,
    telemetry::Telemetry,
};

pub(super) fn serve(config: Config, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let telemetry = Telemetry::start(&config.telemetry, console.watched)?;
    if let Err(error) = raise_file_limit() {
        events::file_limit_kept(&error);
    }
    block_on(run(config, telemetry, console))
}

pub(super) fn demo(config: Config, console: &mut Console<'_>) -> Result<Exit, Failure> {
    serve(Config { demo: true, ..config }, console)
}

async fn run(
    config: Config,
    mut telemetry: Telemetry,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    telemetry.run();
    let ran = Box::pin(run_node(config, &telemetry, console)).await;
    telemetry.close().await;
    ran
}

async fn run_node(
    config: Config,
    telemetry: &Telemetry,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let demo = config.demo;
    let mut signals = StopSignals::new().context("listen for signals")?;
    let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
    let stopping = stop.clone().cancelled_owned();
    let node = Node::start_with(telemetry, config, stopping).await.map_err(not_started)?;
    if demo {
        writeln!(console.out, "The page: http://{}/demo (ctrl-c ends it)", node.internal_addr())?;
        console.out.flush()?;
    }
    let hurry = node.hurry();
    let mut stopped = pin!(node.stopped(cut.clone().cancelled_owned()));
    loop {
        tokio::select! {
            biased;
            result = &mut stopped => {
                result.context("run node")?;
                return Ok(Exit::Stopped);
            }
            // The first signal asks, the second hurries, the third cuts.
            () = signals.next() => match (stop.is_cancelled(), hurry.is_cancelled()) {
                (false, _) => stop.cancel(),
                (true, false) => {
                    events::hurried();
                    hurry.cancel();
                }
                (true, true) => cut.cancel(),
            },
        }
    }
}

fn not_started(error: StartError) -> Failure {
    let hint = match &error {
        StartError::AddressInUse { setting, addr } => {
            let holder = ports::holder(*addr).unwrap_or_else(|| "another process".to_owned());
            format!("{holder} listens on {addr}; choose another with {}", flag(setting))
        }
        StartError::Listen { setting, .. } => {
            format!("choose an address of this machine with {}", flag(setting))
        }
        _ => "`carillon doctor` looks at what a node needs".to_owned(),
    };
    Failure::hinted(anyhow::Error::new(error).context("start node"), hint)
}

/// The flag of an address setting: `--public-addr`.
fn flag(setting: &str) -> String {
    format!("--{}", setting.replace('.', "-"))
}

/// Lets this process open as many files as it ever may; every socket is one.
fn raise_file_limit() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
