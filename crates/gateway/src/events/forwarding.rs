//! Requests that another node answers, and those who come in for one.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::{Events, registered};

/// What is counted of them.
#[derive(Debug)]
pub(super) struct Forwards {
    outcomes: IntCounterVec,
    tunnels: IntGauge,
    intruders: IntCounter,
}

/// What became of a request for a session of another node: the label of `carillon_forwarded_total`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forwarded {
    /// The other node answered, whatever it said.
    Answered,
    /// A WebSocket goes on to the other node.
    Tunnelled,
    /// No living node made the session.
    Gone,
    /// The node was not reached, or hung up.
    Failed,
    /// It did not answer in time, or died meanwhile.
    Late,
    /// Too many are under way.
    Full,
}

/// A WebSocket that goes on to another node, counted until it is dropped.
pub(crate) struct UnderWay(IntGauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Forwarded {
    fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Tunnelled => "tunnelled",
            Self::Gone => "gone",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Full => "full",
        }
    }
}

impl Forwards {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let about = "Requests for a session of another node.";
        let outcomes = Opts::new("carillon_forwarded_total", about);
        let about = "WebSockets that go on to another node.";
        let tunnels = IntGauge::new("carillon_tunnels", about)?;
        let about = "Calls for a tunnel without this node's ticket.";
        let intruders = IntCounter::new("carillon_tunnels_refused_total", about)?;
        Ok(Self {
            outcomes: registered(registry, IntCounterVec::new(outcomes, &["outcome"])?)?,
            tunnels: registered(registry, tunnels)?,
            intruders: registered(registry, intruders)?,
        })
    }
}

impl Events {
    pub(crate) fn forwarded(&self, outcome: Forwarded) {
        self.forwards.outcomes.with_label_values(&[outcome.label()]).inc();
    }

    pub(crate) fn tunnel(&self) -> UnderWay {
        self.forwards.tunnels.inc();
        UnderWay(self.forwards.tunnels.clone())
    }

    /// Somebody wanted to come in who is no neighbour, or one that has not heard of this node's new life.
    pub(crate) fn intruder(&self) {
        self.forwards.intruders.inc();
        tracing::debug!("turned a call for a tunnel away");
    }
}
