//! What happens in the life of a node, each occurrence one function: the log line, and the counter
//! where there is one.

mod spans;

use std::{net::SocketAddr, time::Duration};

use notice::NodeId;
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};
use tracing::{debug, error, info, warn};

pub(crate) use self::spans::{SpanEvents, spans_left};
use crate::{
    node::{Order, Refusal},
    settings::{ApiKey, Roles},
};

/// The target of lines for who looks back: who ordered what.
pub(crate) const AUDIT: &str = "audit";

/// Says which build this is, for as long as the registry lives.
pub(crate) fn built(registry: &Registry) -> Result<(), prometheus::Error> {
    let opts = Opts::new("carillon_build_info", "1, labelled with what is running.");
    let info = IntGaugeVec::new(opts, &["version"])?;
    info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    registry.register(Box::new(info))
}

pub(crate) fn started(
    node: &NodeId,
    roles: Roles,
    public: Option<SocketAddr>,
    internal: SocketAddr,
) {
    let public = public.map_or_else(|| "none".to_owned(), |addr| addr.to_string());
    let version = env!("CARGO_PKG_VERSION");
    info!(node.id = %node, %roles, public.addr = public, internal.addr = %internal, version, "node started");
}

pub(crate) fn stopping(grace: Duration, delay: Duration) {
    info!(?grace, ?delay, "node stopping");
}

/// Whoever runs the process told it to stop.
pub(crate) fn drain_ordered() {
    info!(target: AUDIT, { key.name = "signal", deed = "drain" }, "order given");
}

pub(crate) fn stage_closed(stage: &'static str) {
    info!(stage, "stage closed");
}

pub(crate) fn stage_failed(stage: &'static str) {
    error!(stage, "stage ended by itself");
}

pub(crate) fn overran(stage: &'static str, grace: Duration) {
    warn!(stage, ?grace, "drain.grace is over, the rest is cut");
}

pub(crate) fn hurried() {
    warn!("told to stop twice, the rest leaves at once");
}

pub(crate) fn cut() {
    warn!("told to stop three times, the rest is cut");
}

pub(crate) fn stopped() {
    info!("node stopped");
}

/// The system gave no connection; most often there are too many open files.
pub(crate) fn accept_failed(error: &std::io::Error) {
    warn!(error = %error, "internal port could not accept a connection");
}

pub(crate) fn connection_failed(error: &hyper::Error) {
    debug!(error = %error, "internal connection failed");
}

pub(crate) fn file_limit_kept(error: &std::io::Error) {
    info!(error = %error, "file limit could not be raised");
}

/// An order that changed something for somebody, and what came of it.
pub(crate) fn ordered(order: &Order) {
    let Order { caller, address, deed, whom, outcome, count } = order;
    let address = address.map(|address| address.to_string());
    info!(
        target: AUDIT,
        { key.name = caller.name(), address, deed, whom, outcome, count }, "order given"
    );
}

/// What happens at the internal port's door. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct ApiEvents {
    refused: IntCounterVec,
    key_reads: IntCounterVec,
    full: IntCounter,
}

impl ApiEvents {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &["outcome"])?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        let refused = "Calls of the internal port that were turned away.";
        let key_reads = "Changes of the files of keys that were found.";
        let full = IntCounter::new(
            "carillon_api_full_total",
            "Times the internal port had as many connections as it may.",
        )?;
        registry.register(Box::new(full.clone()))?;
        Ok(Self {
            full,
            refused: counter("carillon_api_refused_total", refused)?,
            key_reads: counter("carillon_api_key_reads_total", key_reads)?,
        })
    }

    /// Those that wait for a request are closed.
    pub(crate) fn port_full(&self, connections_max: usize) {
        self.full.inc();
        warn!(
            connections_max,
            "internal port is full, and closes the connections that wait for a request"
        );
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        let outcome = match refusal {
            Refusal::NoKey => "no_key",
            Refusal::UnknownKey => "unknown_key",
            Refusal::OutOfScope { .. } => "out_of_scope",
            Refusal::NoCertificate => "no_certificate",
            Refusal::Foreign => "foreign",
        };
        self.refused.with_label_values(&[outcome]).inc();
        if let Refusal::OutOfScope { key, scope } = refusal {
            info!(key.name = %key, %scope, "call of the internal port needs a scope its key lacks");
        } else {
            debug!(outcome, "call of the internal port refused");
        }
    }

    pub(crate) fn keys_changed(&self, keys: &[ApiKey]) {
        self.key_reads.with_label_values(&["changed"]).inc();
        let names: Vec<_> = keys.iter().map(|key| &**key.name()).collect();
        info!(key.names = names.join(", "), "keys of the internal port changed");
    }

    /// Those that were read last hold. Counted at each look, and said once.
    pub(crate) fn keys_unreadable(&self, error: &str, is_new: bool) {
        self.key_reads.with_label_values(&["failed"]).inc();
        if is_new {
            warn!(error, "keys of the internal port cannot be read again, the last ones hold");
        }
    }
}

/// What was changed for a while is as in the settings again.
pub(crate) fn levels_back(filter: &str) {
    info!(filter, "log lines are written as the settings say again");
}
