//! What happens in the life of a node, each occurrence one function: the log line, and the counter
//! where there is one.

use std::{net::SocketAddr, time::Duration};

use notice::NodeId;
use prometheus::{IntGaugeVec, Opts, Registry};
use tracing::{debug, error, info, warn};

use crate::settings::Roles;

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

/// This process takes messages in and, its bus being its own, nobody hears them.
pub(crate) fn unheard() {
    warn!("node has no gateway, and the embedded bus reaches no other node");
}

pub(crate) fn stopping(grace: Duration) {
    info!(?grace, "node stopping");
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
    warn!("told to stop twice, the rest is cut");
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
