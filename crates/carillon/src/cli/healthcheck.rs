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
    cli::{Console, api::Api, arguments::HealthArgs, block_on, remote::Remote, trust},
    exit::{Exit, Failure},
};

/// Whoever asks has a limit of its own, and it is seldom shorter.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn healthcheck(args: &HealthArgs, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let config = console.settings(args.settings.clone()).into_config()?;
    let at = here(config.internal.addr);
    let path = if args.live { "/livez" } else { "/readyz" };
    let tls = config.internal.tls.map(|tls| tls.identity);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let remote = Remote::parse("--internal-addr", &format!("{scheme}://{at}"), "127.0.0.1:8001")?;
    let api = Api::by(trust::of_oneself(tls.as_ref())?, remote, None);
    let asked = async {
        let call = api.call(Method::GET, path, "text/plain", Bytes::new());
        time::timeout(ANSWER_WITHIN, call).await.map_err(|_elapsed| {
            Failure::hinted(anyhow!("ask {at}{path}: no answer in time"), "the node hangs")
        })?
    };
    let answer = block_on(asked)?;
    if answer.status.is_success() {
        writeln!(console.out, "{at}{path}: {}", answer.status)?;
        return Ok(Exit::Stopped);
    }
    let hint = "it starts, or it is told to stop";
    Err(Failure::hinted(anyhow!("ask {at}{path}: answered {}", answer.status), hint))
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
