//! What happens to the spans of traces on their way to the collector.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prometheus::{IntCounterVec, Opts, Registry};
use tracing::{info, warn};

/// What became of spans that had ended.
#[derive(Clone, Copy, Debug)]
enum Became {
    Sent,
    /// The collector did not take them.
    Failed,
    /// The queue was full.
    Dropped,
}

/// What happens on the way to the collector. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct SpanEvents {
    spans: IntCounterVec,
    /// The last batch was not taken.
    is_away: Arc<AtomicBool>,
}

impl SpanEvents {
    /// Logging begins before there is a registry: [`SpanEvents::register`] follows.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let opts = Opts::new("carillon_spans_total", "Spans by what became of them.");
        let spans = IntCounterVec::new(opts, &["outcome"])?;
        for became in [Became::Sent, Became::Failed, Became::Dropped] {
            spans.with_label_values(&[became.label()]).reset();
        }
        Ok(Self { spans, is_away: Arc::default() })
    }

    pub(crate) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.spans.clone()))
    }

    /// Counted alone: where one does not fit, many do not.
    pub(crate) fn dropped(&self) {
        self.count(Became::Dropped, 1);
    }

    pub(crate) fn sent(&self, count: usize) {
        self.count(Became::Sent, count);
        if self.is_away.swap(false, Ordering::Relaxed) {
            info!("the collector takes spans again");
        }
    }

    /// Said once, until it takes some again.
    pub(crate) fn not_sent(&self, count: usize, error: &str) {
        self.count(Became::Failed, count);
        if !self.is_away.swap(true, Ordering::Relaxed) {
            let hint = "telemetry.otlp_endpoint speaks OTLP over HTTP, on port 4318 as a rule";
            warn!(spans = count, error, hint, "the collector takes no spans, which are dropped");
        }
    }

    fn count(&self, became: Became, count: usize) {
        self.spans.with_label_values(&[became.label()]).inc_by(count as u64);
    }
}

impl Became {
    fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// The collector has not taken the last spans before the process ends.
pub(crate) fn spans_left(within: Duration) {
    warn!(?within, "stopped with spans that the collector has not taken");
}
