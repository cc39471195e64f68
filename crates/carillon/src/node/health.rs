//! Whether the node lives, and whether it wants traffic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{extract::State, response::Response};
use gateway::Gateway;
use http::StatusCode;
use parking_lot::Mutex;
use prometheus::{Histogram, HistogramOpts, Registry};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::node::answer;

/// How often the watchdog is fed, and without what it barks.
const FED_EVERY: Duration = Duration::from_secs(1);
const HUNGRY_AFTER: Duration = Duration::from_secs(15);

/// Whether the process still does what it is told: a task of its own says so each second. What is outside of
/// the process does not count, since a restart would not mend it. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Watchdog {
    fed_at: Arc<Mutex<Instant>>,
    /// How late its meals are: how long a task waits that could run.
    lag: Histogram,
}

impl Watchdog {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let about = "How late a task is that was to run at a given time.";
        let buckets = vec![0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];
        let lag = HistogramOpts::new("carillon_runtime_lag_seconds", about).buckets(buckets);
        let lag = Histogram::with_opts(lag)?;
        registry.register(Box::new(lag.clone()))?;
        Ok(Self { fed_at: Arc::new(Mutex::new(Instant::now())), lag })
    }

    /// Feeds it until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut meals = interval(FED_EVERY);
        meals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                due = meals.tick() => {
                    self.lag.observe(due.elapsed().as_secs_f64());
                    *self.fed_at.lock() = Instant::now();
                }
            }
        }
    }

    fn is_fed(&self) -> bool {
        self.fed_at.lock().elapsed() < HUNGRY_AFTER
    }
}

/// Whether this node wants traffic. Clones share the answer.
#[derive(Clone, Debug)]
pub(super) struct Readiness {
    is_granted: Arc<AtomicBool>,
    is_withdrawn: Arc<AtomicBool>,
    /// May go by itself, when somebody wishes it to.
    gateway: Option<Gateway>,
    /// What is answered where it does not.
    status: StatusCode,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<Because>,
}

/// Why a node wants no newcomers.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Because {
    /// It starts.
    Starting,
    /// It stops, or somebody wished it to go.
    Draining,
    /// It hears nothing of what is published, and another node does.
    Deaf,
}

impl Readiness {
    /// Not ready yet.
    pub(super) fn new(gateway: Option<Gateway>, status: StatusCode) -> Self {
        Self { is_granted: Arc::default(), is_withdrawn: Arc::default(), gateway, status }
    }

    pub(super) fn grant(&self) {
        self.is_granted.store(true, Ordering::Release);
    }

    /// Why not, if it does not.
    fn because(&self) -> Option<Because> {
        if self.is_withdrawn.load(Ordering::Acquire)
            || self.gateway.as_ref().is_some_and(Gateway::is_leaving)
        {
            Some(Because::Draining)
        } else if !self.is_granted.load(Ordering::Acquire) {
            Some(Because::Starting)
        } else if self.gateway.as_ref().is_some_and(Gateway::is_deaf) {
            Some(Because::Deaf)
        } else {
            None
        }
    }

    pub(super) fn withdraw(&self) {
        self.is_withdrawn.store(true, Ordering::Release);
    }
}

pub(super) async fn live(State(watchdog): State<Watchdog>) -> Response {
    let (status, text) = if watchdog.is_fed() {
        (StatusCode::OK, "alive\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "stuck: nothing has moved for a while\n")
    };
    answer::typed(status, "text/plain; charset=utf-8", text)
}

pub(super) async fn ready(State(readiness): State<Readiness>) -> Response {
    let because = readiness.because();
    let ready = because.is_none();
    let status = if ready { StatusCode::OK } else { readiness.status };
    answer::json(status, &Ready { ready, because })
}

#[cfg(test)]
mod tests {
    //! When a process counts as stuck.

    use super::*;

    async fn until_fed(watchdog: &Watchdog) {
        while !watchdog.is_fed() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_watchdog_that_nobody_fed_barks_and_one_that_is_fed_does_not() {
        let watchdog = Watchdog::new(&Registry::new()).unwrap();
        *watchdog.fed_at.lock() = Instant::now() - HUNGRY_AFTER;
        let answer = live(State(watchdog.clone())).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let stop = CancellationToken::new();
        let feeding = watchdog.clone().run(stop.clone());
        let fed = async {
            until_fed(&watchdog).await;
            stop.cancel();
        };
        tokio::join!(feeding, fed);
        assert_eq!(live(State(watchdog)).await.status(), StatusCode::OK);
    }
}
