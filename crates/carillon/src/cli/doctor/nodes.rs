//! Nodes that run, by their internal addresses: whether they take clients, and whether they agree about who is there.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;

use super::{Finding, Verdict, machine};
use crate::{
    cli::{
        api::{Answer, Api},
        arguments::TlsArgs,
        remote::Remote,
    },
    exit::Failure,
    settings::Config,
};

/// Those that are to be asked.
pub(super) struct Nodes(Vec<(String, Api)>);

/// What one says of all.
struct View {
    address: String,
    nodes: BTreeSet<String>,
    versions: BTreeMap<String, String>,
}

impl Nodes {
    pub(super) fn of(
        urls: &[String],
        key: Option<&String>,
        tls: &TlsArgs,
    ) -> Result<Self, Failure> {
        let node = |url: &String| {
            let remote = Remote::parse("--node", url, "http://127.0.0.1:8001")?;
            Ok((remote.to_string(), Api::new(remote, key.cloned(), tls)?))
        };
        Ok(Self(urls.iter().map(node).collect::<Result<_, Failure>>()?))
    }

    pub(super) async fn look(&self, config: &Config) -> Vec<Finding> {
        let (mut findings, mut views) = (Vec::new(), Vec::new());
        for (address, api) in &self.0 {
            let readiness = readiness(api).await;
            let is_there = readiness.is_ok();
            let verdict = readiness.unwrap_or_else(|verdict| verdict);
            findings.push(Finding::of(format!("node {address}"), verdict));
            if !is_there {
                continue;
            }
            findings.extend(files(address, api, config).await);
            match view(address, api).await {
                Ok(view) => views.push(view),
                Err(verdict) => {
                    findings.push(Finding::of(format!("node {address} nodes"), verdict));
                }
            }
        }
        if !views.is_empty() {
            findings.push(Finding::of("nodes", agreement(&views)));
            findings.push(Finding::of("versions", versions(&views)));
        }
        findings
    }
}

async fn ask(api: &Api, path: &str) -> Result<Answer, Verdict> {
    let answer = api.call(Method::GET, path, "application/json", Bytes::new()).await;
    answer.map_err(|failure| told(&failure))
}

fn told(failure: &Failure) -> Verdict {
    let (text, hint) = failure.in_words();
    Verdict::bad(text, hint.unwrap_or("is that a node's internal address?"))
}

/// An error: it is not there.
async fn readiness(api: &Api) -> Result<Verdict, Verdict> {
    let answer = ask(api, "/readyz").await?;
    if answer.status == StatusCode::OK {
        return Ok(Verdict::good("takes clients"));
    }
    let said = String::from_utf8_lossy(&answer.body);
    let text = format!("takes no clients: {} {}", answer.status.as_u16(), said.trim());
    Ok(Verdict::bad(text, "docs/health.md says what each part means"))
}

/// What the service itself may open, which need not be what this shell may.
async fn files(address: &str, api: &Api, config: &Config) -> Option<Finding> {
    let answer = ask(api, "/metrics").await.ok()?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let number = |series: &str| -> Option<f64> {
        text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    };
    let (open, max) = (number("process_open_fds ")?, number("process_max_fds ")?);
    let sockets = number("carillon_limit{limit=\"sockets\"} ")?;
    let text = format!("{open} of {max} are open, and it takes {sockets} sockets");
    #[expect(clippy::cast_precision_loss, reason = "a limit need not be exact")]
    let besides = machine::files(config).saturating_sub(config.limits.sockets) as f64;
    let verdict = if max >= sockets + besides {
        Verdict::good(text)
    } else {
        let needed = sockets + besides;
        Verdict::weak(
            text,
            format!("LimitNOFILE={needed} for the service, or lower limits.sockets"),
        )
    };
    Some(Finding::of(format!("node {address} files"), verdict))
}

async fn view(address: &str, api: &Api) -> Result<View, Verdict> {
    let answer = ask(api, "/v1/nodes").await?;
    if answer.status != StatusCode::OK {
        return Err(told(&api.refused("list the nodes", &answer)));
    }
    let listed: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let nodes = listed["nodes"].as_array().cloned().unwrap_or_default();
    let text = |node: &Value, name: &str| node[name].as_str().unwrap_or_default().to_owned();
    let versions = nodes.iter().map(|node| (text(node, "node"), text(node, "version"))).collect();
    let nodes = nodes.iter().map(|node| text(node, "node")).collect();
    Ok(View { address: address.to_owned(), nodes, versions })
}

/// Whether all see the same nodes. What one sees and another does not is on another bus.
fn agreement(views: &[View]) -> Verdict {
    let all: BTreeSet<_> = views.iter().flat_map(|view| &view.nodes).collect();
    let blind = views.iter().find(|view| view.nodes.len() < all.len());
    let Some(view) = blind else {
        let names: Vec<_> = all.into_iter().map(String::as_str).collect();
        return Verdict::good(format!(
            "{} are seen by all that were asked: {}",
            names.len(),
            names.join(", ")
        ));
    };
    let unseen: Vec<_> = all.iter().filter(|node| !view.nodes.contains(**node)).collect();
    let unseen: Vec<_> = unseen.into_iter().map(|node| node.as_str()).collect();
    Verdict::bad(
        format!("{} does not see {}", view.address, unseen.join(", ")),
        "give all nodes the same redis.url and redis.prefix; docs/runbooks/CarillonClusterSplit.md goes on",
    )
}

fn versions(views: &[View]) -> Verdict {
    let all: BTreeSet<_> = views.iter().flat_map(|view| view.versions.values()).collect();
    // One that has just started has not said it yet.
    let names: Vec<_> =
        all.into_iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    if names.len() > 1 {
        let hint = "finish the upgrade, or roll it back: two releases are meant for minutes";
        return Verdict::weak(format!("several run: {}", names.join(", ")), hint);
    }
    Verdict::good(names.join(", "))
}
