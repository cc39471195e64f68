//! `carillon healthcheck`: whether the node of these settings answers, for images that hold no other
//! program that could ask.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::anyhow;
use bytes::Bytes;
use http::Method;
use tokio::time;

use crate::{
    cli::{
        Console,
        api::{Answer, Api},
        arguments::HealthArgs,
        block_on,
        remote::Remote,
        trust,
    },
    exit::{Exit, Failure},
    settings::Config,
};

/// Whoever asks has a limit of its own, and it is seldom shorter.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn healthcheck(args: &HealthArgs, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let config = console.settings(args.settings.clone()).into_config()?;
    let at = here(config.internal.addr);
    let path = if args.live { "/livez" } else { "/readyz" };
    let answer = block_on(ask(&config, path))?;
    if answer.status.is_success() {
        writeln!(console.out, "{at}{path}: {}", answer.status)?;
        return Ok(Exit::Stopped);
    }
    let hint = "it starts, or it is told to stop";
    Err(Failure::hinted(anyhow!("ask {at}{path}: answered {}", answer.status), hint))
}

/// Whether a node runs here whose internal port is the one of these settings.
pub(super) async fn runs(config: &Config) -> bool {
    ask(config, "/livez").await.is_ok_and(|answer| answer.status.is_success())
}

async fn ask(config: &Config, path: &str) -> Result<Answer, Failure> {
    let at = here(config.internal.addr);
    let tls = config.internal.tls.as_ref().map(|tls| &tls.identity);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let remote = Remote::parse("--internal-addr", &format!("{scheme}://{at}"), "127.0.0.1:8001")?;
    let api = Api::by(trust::of_oneself(tls)?, remote, None);
    let call = api.call(Method::GET, path, "text/plain", Bytes::new());
    time::timeout(ANSWER_WITHIN, call).await.map_err(|_elapsed| {
        Failure::hinted(anyhow!("ask {at}{path}: no answer in time"), "the node hangs")
    })?
}

/// Where a node on this machine is reached that listens on `addr`, which may be every address.
fn here(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, addr.port())
}
