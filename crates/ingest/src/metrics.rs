//! What the way in counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::fate::Fate;

/// The counters of one process's intake. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    messages: IntCounterVec,
    pub(crate) lag: IntGauge,
    pub(crate) pending: IntGauge,
    dead_letters: IntCounterVec,
    pub(crate) conflated: IntCounter,
    pub(crate) unserved: IntCounter,
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Road {
    Http,
    Embedded,
    Stream,
    Channel,
    List,
}

/// What became of a message, as a label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Published,
    Superseded,
    AfterFinal,
    Rejected,
    NotTaken,
    /// It was heard while no more could be held, on a road that keeps nothing.
    Dropped,
}

/// One more in a gauge, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(IntGauge);

// === impl Metrics ===

impl Metrics {
    /// Registers them. Fails if the registry knows one of the names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            messages: IntCounterVec::new(
                Opts::new(
                    "carillon_ingest_messages_total",
                    "Worker messages by where they came from and what became of them.",
                ),
                &["source", "outcome"],
            )?,
            lag: IntGauge::new(
                "carillon_ingest_lag_messages",
                "Worker messages in the queue that were not read yet.",
            )?,
            pending: IntGauge::new(
                "carillon_ingest_pending_messages",
                "Worker messages that were read and are not acknowledged yet.",
            )?,
            dead_letters: IntCounterVec::new(
                Opts::new("carillon_dead_letters_total", "Queued messages that nobody could use."),
                &["reason"],
            )?,
            conflated: IntCounter::new(
                "carillon_conflated_total",
                "Progress left out for newer progress of the same task.",
            )?,
            unserved: IntCounter::new(
                "carillon_ingest_unserved_total",
                "Emits of workers that reached nobody, for a namespace that is not served.",
            )?,
        };
        registry.register(Box::new(metrics.messages.clone()))?;
        registry.register(Box::new(metrics.lag.clone()))?;
        registry.register(Box::new(metrics.pending.clone()))?;
        registry.register(Box::new(metrics.dead_letters.clone()))?;
        registry.register(Box::new(metrics.conflated.clone()))?;
        registry.register(Box::new(metrics.unserved.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn messages(&self, road: Road, outcome: Outcome) -> IntCounter {
        self.messages.with_label_values(&[road.label(), outcome.label()])
    }

    /// `reason` is one of the dead letters' closed list.
    pub(crate) fn dead_letters(&self, reason: &'static str) -> IntCounter {
        self.dead_letters.with_label_values(&[reason])
    }
}

// === impl Road ===

impl Road {
    const ALL: [Self; 5] = [Self::Http, Self::Embedded, Self::Stream, Self::Channel, Self::List];

    /// The road of this label.
    pub(crate) fn of_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|road| road.label() == label)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Embedded => "embedded",
            Self::Stream => "stream",
            Self::Channel => "channel",
            Self::List => "list",
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// What one message of a batch may have come to.
    pub(crate) const SETTLED: [Self; 5] =
        [Self::Published, Self::Superseded, Self::AfterFinal, Self::Rejected, Self::NotTaken];

    pub(crate) fn of(fate: &Fate) -> Self {
        match fate {
            Fate::Published => Self::Published,
            Fate::Superseded => Self::Superseded,
            Fate::AfterFinal => Self::AfterFinal,
            Fate::Rejected { .. } => Self::Rejected,
            Fate::NotTaken => Self::NotTaken,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Superseded => "superseded",
            Self::AfterFinal => "after_final",
            Self::Rejected => "rejected",
            Self::NotTaken => "not_taken",
            Self::Dropped => "dropped",
        }
    }
}

// === impl Counted ===

impl Counted {
    pub(crate) fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
