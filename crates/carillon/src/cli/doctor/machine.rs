//! What a node needs from the machine: files, a clock, ports, and what the kernel keeps room for.

use std::{
    fs,
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use rustix::process::{Resource, getrlimit};
use tokio::time::{self, Instant};

use super::{Finding, Verdict};
use crate::{cli::ports, exit::Failure, settings::Config};

/// Files that a node opens besides its sockets.
const FILES_BESIDES_SOCKETS: usize = 1024;
/// Nobody runs this before it was written: 2026-01-01.
const EPOCH_MIN: Duration = Duration::from_hours(490_896);
/// How long the two clocks are compared, and how far they may part in it.
const CLOCK_WATCHED: Duration = Duration::from_millis(200);
const CLOCK_DRIFT_MAX: Duration = Duration::from_millis(50);

/// What a node asks the kernel to queue of connections that it has not accepted yet.
const BACKLOG: usize = 1024;
/// What is needed of the ports for connections of our own: to Redis, and to other nodes for sessions of theirs.
const OWN_PORTS_MIN: usize = 10_000;

/// A node raises its limit as far as it may, so that is what counts.
pub(super) fn file_limit(config: &Config) -> Verdict {
    let needed = files(config);
    match getrlimit(Resource::Nofile).maximum {
        None => Verdict::good("none"),
        Some(limit) if limit >= needed as u64 => {
            Verdict::good(format!("{limit} files, {needed} needed"))
        }
        Some(limit) => Verdict::weak(
            format!("{limit} files, and limits.sockets = {} needs {needed}", config.limits.sockets),
            format!(
                "raise it (`ulimit -Hn {needed}`, LimitNOFILE={needed}), or lower limits.sockets"
            ),
        ),
    }
}

pub(super) fn files(config: &Config) -> usize {
    let sockets = config.limits.sockets.saturating_add(config.limits.handshakes);
    sockets.saturating_add(FILES_BESIDES_SOCKETS)
}

/// Whether the wall clock shows a likely time and goes as fast as time passes.
pub(super) async fn clock() -> Result<Verdict, Failure> {
    let (wall, steady) = (SystemTime::now(), Instant::now());
    time::sleep(CLOCK_WATCHED).await;
    let passed = steady.elapsed();
    let shown = SystemTime::now().duration_since(wall).unwrap_or_default();
    let since_epoch = wall.duration_since(SystemTime::UNIX_EPOCH).context("read the clock")?;
    let hint = "set the clock and keep it by NTP; order and ages depend on it";
    Ok(if since_epoch < EPOCH_MIN {
        let shown = humantime::format_rfc3339_seconds(wall);
        Verdict::bad(format!("shows {shown}, which is past"), hint)
    } else if passed.abs_diff(shown) > CLOCK_DRIFT_MAX {
        Verdict::weak(format!("moved {shown:?} while {passed:?} passed"), hint)
    } else {
        Verdict::good(humantime::format_rfc3339_seconds(wall).to_string())
    })
}

/// The kernel's own limits, where it tells them; elsewhere nothing is said.
pub(super) fn kernel(config: &Config) -> Vec<Finding> {
    let sockets = config.limits.sockets;
    let read = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).ok();
    let at_least = |name: &'static str, needed: usize, why: &str| {
        let found: usize = read(name)?.trim().parse().ok()?;
        let key = name.replace('/', ".");
        let verdict = if found >= needed {
            Verdict::good(format!("{found}, {needed} needed"))
        } else {
            Verdict::weak(format!("{found}, and {why}"), format!("sysctl -w {key}={needed}"))
        };
        Some(Finding::of(key, verdict))
    };
    let ports = || {
        let name = "net/ipv4/ip_local_port_range";
        let ends: Vec<usize> =
            read(name)?.split_whitespace().filter_map(|end| end.parse().ok()).collect();
        let [first, last] = ends[..] else { return None };
        let found = (last + 1).saturating_sub(first);
        let verdict = if found >= OWN_PORTS_MIN {
            Verdict::good(format!("{found} ports for connections of our own"))
        } else {
            let text = format!("{found} ports, for connections to Redis and to other nodes");
            Verdict::weak(text, "sysctl -w net.ipv4.ip_local_port_range='10240 65535'")
        };
        Some(Finding::of("net.ipv4.ip_local_port_range", verdict))
    };
    let all = [
        at_least(
            "net/core/somaxconn",
            BACKLOG,
            "a rush of newcomers is refused before a node can see it",
        ),
        ports(),
        at_least("fs/file-max", files(config), "all processes of the machine share them"),
        at_least(
            "net/netfilter/nf_conntrack_max",
            sockets.saturating_mul(2),
            "each socket takes one place, and one that has gone keeps its for a while",
        ),
    ];
    all.into_iter().flatten().collect()
}

/// With `runs`, a node of these settings is here already, and has its ports.
pub(super) fn port(addr: SocketAddr, flag: &str, runs: bool) -> Verdict {
    match TcpListener::bind(addr) {
        Ok(_listener) => Verdict::good(format!("{addr} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && runs => {
            Verdict::good(format!("the node that runs here listens on {addr}"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let holder = ports::holder(addr).unwrap_or_else(|| "another process".to_owned());
            let text = format!("{holder} listens on {addr}");
            Verdict::bad(text, format!("stop it, or choose another with {flag}"))
        }
        Err(error) => {
            let text = format!("{addr} cannot be listened on: {error}");
            Verdict::bad(text, format!("choose an address of this machine with {flag}"))
        }
    }
}
