//! Spans that have ended, on their way to the collector.
//!
//! Promise: whoever ends a span never waits. What does not fit the queue, and what the collector does not take
//! in time, is dropped and counted.

use std::{mem, time::Duration};

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::collector::Trouble;
use crate::{events::SpanEvents, settings::Traces};

/// Spans that are sent together at most.
const BATCH_LEN: usize = 512;

/// Where ended spans go in.
#[derive(Debug)]
pub(super) struct Entrance {
    queue: mpsc::Sender<SpanData>,
    events: SpanEvents,
}

/// What takes them to the collector.
#[derive(Debug)]
pub(super) struct Sender {
    queue: mpsc::Receiver<SpanData>,
    exporter: SpanExporter,
    trouble: Trouble,
    events: SpanEvents,
    delay: Duration,
    timeout: Duration,
    /// Read, and not sent yet.
    batch: Vec<SpanData>,
}

pub(super) fn queue(
    traces: &Traces,
    (exporter, trouble): (SpanExporter, Trouble),
    events: &SpanEvents,
) -> (Entrance, Sender) {
    let (entrance, queue) = mpsc::channel(traces.queue_len);
    let sender = Sender {
        queue,
        exporter,
        trouble,
        events: events.clone(),
        delay: traces.delay,
        timeout: traces.timeout,
        batch: Vec::new(),
    };
    (Entrance { queue: entrance, events: events.clone() }, sender)
}

impl SpanProcessor for Entrance {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.queue.try_send(span).is_err() {
            self.events.dropped();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Sender {
    /// Sends until `stop`, and then what is there.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.gather() => {}
            }
            self.send().await;
        }
        self.queue.close();
        loop {
            let room = BATCH_LEN - self.batch.len();
            if self.queue.recv_many(&mut self.batch, room).await == 0 && self.batch.is_empty() {
                return;
            }
            self.send().await;
        }
    }

    /// Waits for a span, and a while for others. Cancellation-safe.
    async fn gather(&mut self) {
        if self.batch.is_empty() && self.queue.recv_many(&mut self.batch, BATCH_LEN).await == 0 {
            // Nobody can end a span any more; the stop will come.
            std::future::pending::<()>().await;
        }
        let until = Instant::now() + self.delay;
        while self.batch.len() < BATCH_LEN {
            let room = BATCH_LEN - self.batch.len();
            if timeout_at(until, self.queue.recv_many(&mut self.batch, room)).await.is_err() {
                return;
            }
        }
    }

    async fn send(&mut self) {
        let batch = mem::take(&mut self.batch);
        let spans = batch.len();
        match timeout(self.timeout, self.exporter.export(batch)).await {
            Ok(Ok(())) => self.events.sent(spans),
            Ok(Err(error)) => {
                let why = self.trouble.take().unwrap_or_else(|| error.to_string());
                self.events.not_sent(spans, &why);
            }
            Err(_elapsed) => {
                self.events.not_sent(spans, "no answer within telemetry.trace_timeout");
            }
        }
    }
}
