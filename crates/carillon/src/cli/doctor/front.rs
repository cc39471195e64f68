//! What stands in front of the nodes: whether all requests of one polling session find it, each by a connection of its
//! own, as those of browsers and proxies may be.

use rustls::ClientConfig;

use super::{Finding, Verdict};
use crate::cli::{probe::Polling, remote::Remote};

/// Enough to meet every one of a few nodes.
const REQUESTS: usize = 12;

pub(super) async fn look(front: &Remote, rules: ClientConfig, path: &str) -> Vec<Finding> {
    let name = |how: &str| format!("front {front} {how}");
    let with = session(front, &rules, path, true).await;
    let is_bad = with.is_err();
    let mut findings = vec![Finding::of(
        name("with cookies"),
        with.map_or_else(|error| broken(&error), |()| whole()),
    )];
    // Where nothing works, nothing more is to be learnt.
    if !is_bad {
        let without = session(front, &rules, path, false).await;
        let verdict = without.map_or_else(
            |error| {
                Verdict::weak(
                    format!("a session was lost: {error}"),
                    "clients that keep no cookies need WebSocket alone, or nodes that pass sessions on (internal.advertise): docs/sticky.md",
                )
            },
            |()| whole(),
        );
        findings.push(Finding::of(name("without cookies"), verdict));
    }
    findings
}

fn whole() -> Verdict {
    Verdict::good(format!("{REQUESTS} requests of one session, each by a new connection, found it"))
}

fn broken(error: &str) -> Verdict {
    let hint = "is it where clients connect? A session that is unknown was asked of another node: docs/sticky.md says why, docs/install.md has a file for each proxy";
    Verdict::bad(format!("a session was lost: {error}"), hint)
}

async fn session(
    front: &Remote,
    rules: &ClientConfig,
    path: &str,
    keeps_cookies: bool,
) -> Result<(), String> {
    let said = |error: anyhow::Error| format!("{error:#}");
    let mut session = Polling::open(front, rules.clone(), path).await.map_err(said)?;
    for _ in 0..REQUESTS {
        session.connect_anew(rules.clone());
        if !keeps_cookies {
            session.forget_cookies();
        }
        session.say_nothing().await.map_err(said)?;
    }
    session.leave().await.map_err(said)
}
