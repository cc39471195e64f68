//! What is done to the queues at intervals, by every replica: trimming, the gauges, old consumers.

use std::time::Duration;

use fred::{clients::Client, error::Error, types::Value};
use prometheus::IntGauge;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::Metrics,
    redis::{
        config::RedisSourceConfig,
        keys::{GROUP, Keys},
        wire::{call, millis, parts, run, words},
    },
};

/// How often old consumers are looked for.
const FORGET_EVERY: Duration = Duration::from_hours(1);

pub(super) struct Chores {
    client: Client,
    keys: Keys,
    consumer: String,
    every: Duration,
    consumer_idle: Duration,
    lag: Shown,
    pending: Shown,
}

/// What this adds to a gauge that others add to as well.
struct Shown {
    gauge: IntGauge,
    value: i64,
}

impl Chores {
    pub(super) fn new(
        client: Client,
        keys: Keys,
        config: &RedisSourceConfig,
        metrics: &Metrics,
    ) -> Self {
        let (consumer, every) = (config.consumer.clone(), config.chores_every);
        let consumer_idle = config.consumer_idle;
        let (lag, pending) = (Shown::new(&metrics.lag), Shown::new(&metrics.pending));
        Self { client, keys, consumer, every, consumer_idle, lag, pending }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut rounds = interval(self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut forget_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = rounds.tick() => {}
            }
            // What fails is done in the next round; the readers say what is wrong.
            drop(self.measure().await);
            if Instant::now() >= forget_at {
                forget_at = Instant::now() + FORGET_EVERY;
                drop(self.forget().await);
            }
        }
        // What was acknowledged at the stop need not wait for another replica.
        drop(self.measure().await);
    }

    async fn measure(&mut self) -> Result<(), Error> {
        let (tasks, group) = ([self.keys.tasks()], [GROUP.to_owned()]);
        let answer = run(&self.client, include_str!("trim.lua"), &tasks, &group).await?;
        let [lag, pending] = parts(answer);
        let listed = call(&self.client, "LLEN", 0, words([&self.keys.list()])).await?;
        self.lag.show(number(&lag) + number(&listed));
        self.pending.show(number(&pending));
        Ok(())
    }

    async fn forget(&self) -> Result<(), Error> {
        let args = [GROUP.to_owned(), self.consumer.clone(), millis(self.consumer_idle)];
        run(&self.client, include_str!("forget.lua"), &[self.keys.tasks()], &args).await.map(drop)
    }
}

impl Shown {
    fn new(gauge: &IntGauge) -> Self {
        Self { gauge: gauge.clone(), value: 0 }
    }

    fn show(&mut self, value: i64) {
        self.gauge.add(value - self.value);
        self.value = value;
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.gauge.sub(self.value);
    }
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}
