//! How long Redis takes over what it is asked, by what that is for.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};
use tokio::time::Instant;

/// The closed set of `call` labels.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    /// Notices are handed in.
    Publish,
    /// What is kept is read.
    Read,
    /// A member logs in to a room, stays or goes.
    Room,
    /// Nodes say that they live, and ask who does.
    Node,
    /// A seat is held for its client.
    Seat,
    /// What is revoked is noted and read.
    Revocation,
    /// What clients say is appended.
    Uplink,
}

/// Registered once per bus.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    seconds: HistogramVec,
    failures: IntCounterVec,
}

/// Those of one kind.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    seconds: Histogram,
    failures: IntCounter,
}

// === impl Calls ===

impl Calls {
    /// Fails when `registry` already holds metrics of these names.
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "carillon_redis_call_seconds",
                "Calls to Redis, by what they are for.",
            )
            .buckets(vec![0.001, 0.002_5, 0.01, 0.05, 0.25, 1.0]),
            &["call"],
        )?;
        let failures = IntCounterVec::new(
            Opts::new(
                "carillon_redis_call_failures_total",
                "Calls to Redis without an answer of use, by what they were for.",
            ),
            &["call"],
        )?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        Ok(Self { seconds, failures })
    }

    pub(super) fn of(&self, call: Call) -> Timed {
        let labels = [call.label()];
        Timed {
            seconds: self.seconds.with_label_values(&labels),
            failures: self.failures.with_label_values(&labels),
        }
    }
}

// === impl Timed ===

impl Timed {
    /// Notes a call that began then, with all that went in it.
    pub(super) fn took(&self, since: Instant, is_answered: bool) {
        self.seconds.observe(since.elapsed().as_secs_f64());
        if !is_answered {
            self.failures.inc();
        }
    }
}

// === impl Call ===

impl Call {
    fn label(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Room => "room",
            Self::Node => "node",
            Self::Seat => "seat",
            Self::Revocation => "revocation",
            Self::Uplink => "uplink",
        }
    }
}
