//! What a process tells its operator beside its metrics: log lines, on standard error, and traces.
//!
//! May enter: settings. May not enter: what a line or a span says.
//!
//! Promise: nobody waits for a collector, whatever it does; what it has not got after a stop is given up soon.

mod collector;
mod levels;
mod lines;
mod spans;

use std::time::Duration;

use anyhow::Context as _;
use notice::NodeId;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    resource::EnvResourceDetector,
    trace::{Sampler, SdkTracer, SdkTracerProvider, SpanExporter as _},
};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing_opentelemetry::layer;
use tracing_subscriber::{
    Layer as _, filter::filter_fn, layer::SubscriberExt as _, registry, reload,
    util::SubscriberInitExt as _,
};

pub(crate) use self::levels::Levels;
use self::{
    collector::{Collector, Trouble},
    spans::Sender,
};
use crate::{
    events::{self, SpanEvents},
    settings::{self, LogFormat, Traces},
};

/// How long the last spans may take after a stop.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// Log lines and traces of this process.
#[derive(Debug)]
pub(crate) struct Telemetry {
    /// The node of this process, by whose name its spans are found.
    pub(crate) node: NodeId,
    pub(crate) levels: Levels,
    pub(crate) spans: SpanEvents,
    sender: Option<Sender>,
    sending: JoinSet<()>,
    stop: CancellationToken,
}

impl Telemetry {
    /// Starts logging for the whole process. Fails if it was started before. Spans wait for
    /// [`Telemetry::run`].
    pub(crate) fn start(settings: &settings::Telemetry, is_terminal: bool) -> anyhow::Result<Self> {
        let node = node_id();
        let spans = SpanEvents::new().context("prepare metrics of spans")?;
        let (filter, handle) = reload::Layer::new(levels::parse(&settings.log)?);
        let opened = settings.traces.as_ref().map(|traces| open(traces, &node, &spans)).transpose();
        let (tracer, sender) = opened.context("prepare traces")?.unzip();
        let exported = tracer.map(|tracer| {
            let layer = layer().with_tracer(tracer).with_location(false).with_threads(false);
            let layer = layer.with_tracked_inactivity(false).with_target(false);
            layer.with_filter(filter_fn(|span| span.is_span() && span.target() == trace::SPANS))
        });
        let text = match settings.log_format {
            LogFormat::Auto => is_terminal,
            LogFormat::Text => true,
            LogFormat::Json => false,
        };
        let base = registry().with(filter).with(exported);
        let started = if text {
            let (own, audit) = (lines::texts(is_terminal, false), lines::texts(is_terminal, true));
            base.with(own).with(audit).try_init()
        } else {
            base.with(lines::objects()).try_init()
        };
        started.context("start logging")?;
        let levels = Levels::new(&settings.log, Some(handle));
        let (sending, stop) = (JoinSet::new(), CancellationToken::new());
        Ok(Self { node, levels, spans, sender, sending, stop })
    }

    /// Of a process whose lines and spans are somebody else's.
    pub(crate) fn of_nobody(settings: &settings::Telemetry) -> Result<Self, prometheus::Error> {
        let levels = Levels::of_nobody(&settings.log);
        let (node, spans, sender) = (node_id(), SpanEvents::new()?, None);
        let (sending, stop) = (JoinSet::new(), CancellationToken::new());
        Ok(Self { node, levels, spans, sender, sending, stop })
    }

    /// Sends what is recorded, from now on.
    pub(crate) fn run(&mut self) {
        if let Some(sender) = self.sender.take() {
            self.sending.spawn(sender.run(self.stop.clone()));
        }
    }

    /// Sends what is left, but not for long.
    pub(crate) async fn close(mut self) {
        self.stop.cancel();
        let sent = async { while self.sending.join_next().await.is_some() {} };
        if timeout(FLUSH_WITHIN, sent).await.is_err() {
            events::spans_left(FLUSH_WITHIN);
        }
    }
}

/// A name for this life of the process.
fn node_id() -> NodeId {
    let name = format!("n{:08x}", rand::random::<u32>());
    NodeId::new(&name).expect("a letter and eight digits are a name")
}

fn open(
    traces: &Traces,
    node: &NodeId,
    events: &SpanEvents,
) -> anyhow::Result<(SdkTracer, Sender)> {
    let (resource, trouble) = (resource(&traces.service, node), Trouble::default());
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::at(&traces.endpoint, &trouble)?)
        .with_endpoint(&traces.endpoint)
        .with_timeout(traces.timeout)
        .build()?;
    exporter.set_resource(&resource);
    let (entrance, sender) = spans::queue(traces, (exporter, trouble), events);
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        // What is not to be recorded never becomes a span: `trace` has decided before.
        .with_sampler(Sampler::AlwaysOn)
        .with_span_processor(entrance)
        .build();
    Ok((provider.tracer("carillon"), sender))
}

/// What every span says of this process. The platform's own attributes come first.
fn resource(service: &str, node: &NodeId) -> Resource {
    Resource::builder_empty()
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(service.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", node.to_string()))
        .build()
}
