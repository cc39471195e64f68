//! What is counted of what nodes say to each other.

use notice::NodeId;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

use crate::asking::Said;

/// Registered once per bus.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    dropped_total: IntCounterVec,
    requests_total: IntCounterVec,
    nodes: IntGauge,
}

/// Why a signal did not come through.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lost {
    /// Whoever watches had no place left for it.
    WatchFull,
    /// More came by the connection than was read from it.
    Lagged,
    /// A letter from a node of another release, or from somebody else.
    Unreadable,
}

impl Traffic {
    /// Fails when `registry` already holds metrics of these names.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let dropped_total = IntCounterVec::new(
            Opts::new("carillon_signals_dropped_total", "Signals between nodes lost, by reason."),
            &["reason"],
        )?;
        let requests_total = IntCounterVec::new(
            Opts::new(
                "carillon_node_requests_total",
                "Questions to other nodes, one per node asked, by what came of them.",
            ),
            &["outcome"],
        )?;
        let nodes = IntGauge::new(
            "carillon_cluster_nodes",
            "Nodes that live as far as this one sees, this one too.",
        )?;
        registry.register(Box::new(nodes.clone()))?;
        registry.register(Box::new(dropped_total.clone()))?;
        registry.register(Box::new(requests_total.clone()))?;
        Ok(Self { dropped_total, requests_total, nodes })
    }

    /// So many nodes live, as the bus says.
    pub(crate) fn living(&self, nodes: usize) {
        self.nodes.set(i64::try_from(nodes).unwrap_or(i64::MAX));
    }

    pub(crate) fn lost(&self, why: Lost, count: u64) {
        let reason = match why {
            Lost::WatchFull => "watch_full",
            Lost::Lagged => "lagged",
            Lost::Unreadable => "unreadable",
        };
        self.dropped_total.with_label_values(&[reason]).inc_by(count);
    }

    pub(crate) fn said(&self, node: &NodeId, said: &Said) {
        let outcome = match said {
            Said::Answer(_) => "answered",
            Said::Busy => "busy",
            Said::TooLarge => "too_large",
            Said::Deaf => "deaf",
        };
        tracing::debug!(node.id = %node, outcome, "was answered by a node");
        self.requests_total.with_label_values(&[outcome]).inc();
    }

    /// Nobody heard the question, though a lease says that somebody should.
    pub(crate) fn unheard(&self, node: &NodeId) {
        tracing::debug!(node.id = %node, "asked a node that does not hear");
        self.requests_total.with_label_values(&["unheard"]).inc();
    }

    pub(crate) fn no_answer(&self, node: &NodeId) {
        tracing::debug!(node.id = %node, "had no answer from a node in time");
        self.requests_total.with_label_values(&["no_answer"]).inc();
    }
}
