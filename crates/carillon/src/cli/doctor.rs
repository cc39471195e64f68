//! `carillon doctor`: looks at what a node needs from this machine, and says what to do.

use std::{
    io::{self, ErrorKind, Write},
    net::{SocketAddr, TcpListener},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use gateway::Identity;
use rustix::process::{Resource, getrlimit};
use tokio::time::{self, Instant};

use crate::{
    bus,
    cli::{Console, block_on, ports},
    exit::{Exit, Failure},
    settings::{Config, Settings},
};

/// Files that a node opens besides its sockets.
const FILES_BESIDES_SOCKETS: usize = 1024;
/// Nobody runs this before it was written: 2026-01-01.
const EPOCH_MIN: Duration = Duration::from_hours(490_896);
/// How long the two clocks are compared, and how far they may part in it.
const CLOCK_WATCHED: Duration = Duration::from_millis(200);
const CLOCK_DRIFT_MAX: Duration = Duration::from_millis(50);

/// What was found out about one thing.
struct Finding {
    what: &'static str,
    verdict: Verdict,
}

enum Verdict {
    Good(String),
    /// It will run, but not as far as its settings go.
    Weak(String, String),
    /// It will not run.
    Bad(String, String),
}

pub(super) fn doctor(settings: Settings, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let config = match settings.into_config() {
        Ok(config) => config,
        Err(mistakes) => {
            writeln!(console.out, "bad   settings: {}", mistakes.0.len())?;
            return Err(mistakes.into());
        }
    };
    let mut findings = vec![
        Finding { what: "settings", verdict: Verdict::Good("right".to_owned()) },
        Finding { what: "file limit", verdict: file_limit(&config) },
        Finding { what: "clock", verdict: block_on(clock())? },
        Finding { what: "bus", verdict: block_on(bus(&config))? },
    ];
    if let Some(identity) = &config.public.tls {
        findings.push(Finding { what: "certificate", verdict: certificate(identity) });
    }
    for (what, addr, name) in [
        ("public port", config.public.addr, "--public-addr"),
        ("internal port", config.internal.addr, "--internal-addr"),
    ] {
        findings.push(Finding { what, verdict: port(addr, name) });
    }
    for finding in &findings {
        finding.print(console.out)?;
    }
    let sick = findings.iter().any(|finding| matches!(finding.verdict, Verdict::Bad(..)));
    Ok(if sick { Exit::Failed } else { Exit::Stopped })
}

impl Finding {
    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let (mark, text, hint) = match &self.verdict {
            Verdict::Good(text) => ("good", text, None),
            Verdict::Weak(text, hint) => ("weak", text, Some(hint)),
            Verdict::Bad(text, hint) => ("bad ", text, Some(hint)),
        };
        writeln!(out, "{mark}  {}: {text}", self.what)?;
        hint.iter().try_for_each(|hint| writeln!(out, "      hint: {hint}"))
    }
}

/// A node raises its limit as far as it may, so that is what counts.
fn file_limit(config: &Config) -> Verdict {
    let limits = &config.limits;
    let sockets = limits.sockets.saturating_add(limits.handshakes);
    let needed = sockets.saturating_add(FILES_BESIDES_SOCKETS);
    match getrlimit(Resource::Nofile).maximum {
        None => Verdict::Good("none".to_owned()),
        Some(limit) if limit >= needed as u64 => {
            Verdict::Good(format!("{limit} files, {needed} needed"))
        }
        Some(limit) => Verdict::Weak(
            format!("{limit} files, and limits.sockets = {} needs {needed}", limits.sockets),
            format!(
                "raise it (`ulimit -Hn {needed}`, LimitNOFILE={needed}), or lower limits.sockets"
            ),
        ),
    }
}

/// Whether the wall clock shows a likely time and goes as fast as time passes.
async fn clock() -> Result<Verdict, Failure> {
    let (wall, steady) = (SystemTime::now(), Instant::now());
    time::sleep(CLOCK_WATCHED).await;
    let passed = steady.elapsed();
    let shown = SystemTime::now().duration_since(wall).unwrap_or_default();
    let since_epoch = wall.duration_since(SystemTime::UNIX_EPOCH).context("read the clock")?;
    let hint = || "set the clock and keep it by NTP; order and ages depend on it".to_owned();
    Ok(if since_epoch < EPOCH_MIN {
        let shown = humantime::format_rfc3339_seconds(wall);
        Verdict::Bad(format!("shows {shown}, which is past"), hint())
    } else if passed.abs_diff(shown) > CLOCK_DRIFT_MAX {
        Verdict::Weak(format!("moved {shown:?} while {passed:?} passed"), hint())
    } else {
        Verdict::Good(humantime::format_rfc3339_seconds(wall).to_string())
    })
}

/// It was read with the settings, and its key fits.
fn certificate(identity: &Identity) -> Verdict {
    let until = humantime::format_rfc3339_seconds(identity.until());
    if identity.ends_soon(SystemTime::now()) {
        let hint = "renew it; a running node takes the new one by itself".to_owned();
        Verdict::Weak(format!("ends at {until}"), hint)
    } else {
        Verdict::Good(format!("holds until {until}"))
    }
}

/// Whether a notice goes to the bus and comes back.
async fn bus(config: &Config) -> Result<Verdict, Failure> {
    if config.redis.is_none() {
        return Ok(Verdict::Good("embedded, for one node".to_owned()));
    }
    let before = Instant::now();
    Ok(match bus::round_trip(config).await {
        Ok(()) => Verdict::Good(format!("redis, there and back in {:?}", before.elapsed())),
        Err(error) => {
            let said = format!("{error:#}");
            // Most say themselves what to do.
            let (text, hint) = said
                .strip_suffix(')')
                .and_then(|said| said.split_once(" (hint: "))
                .unwrap_or((&said, "mend redis.url, or what stands there"));
            Verdict::Bad(text.to_owned(), hint.to_owned())
        }
    })
}

fn port(addr: SocketAddr, flag: &str) -> Verdict {
    match TcpListener::bind(addr) {
        Ok(_listener) => Verdict::Good(format!("{addr} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let holder = ports::holder(addr).unwrap_or_else(|| "another process".to_owned());
            let text = format!("{holder} listens on {addr}");
            Verdict::Bad(text, format!("stop it, or choose another with {flag}"))
        }
        Err(error) => {
            let text = format!("{addr} cannot be listened on: {error}");
            Verdict::Bad(text, format!("choose an address of this machine with {flag}"))
        }
    }
}
