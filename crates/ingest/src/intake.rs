//! What every source shares: how a message is read, where it is published, what is counted. And the road
//! of those who hand in a batch and wait for what becomes of it.

use std::{sync::Arc, time::SystemTime};

use adapter::Publisher;
use notice::{Message, Namespace, Stamp, StatusTable};
use trace::Sampling;

use crate::{
    batch::Batch,
    desk::{Desk, Entry},
    fate::Fate,
    metrics::{Metrics, Road},
    report::Report,
};

/// Takes batches of worker messages and publishes them. Clones share everything.
#[derive(Clone, Debug)]
pub struct Intake {
    publisher: Publisher,
    table: Arc<StatusTable>,
    metrics: Metrics,
    sampling: Sampling,
    /// Where clients may be.
    namespaces: Arc<[Namespace]>,
}

impl Intake {
    pub fn new(publisher: Publisher, table: StatusTable, metrics: Metrics) -> Self {
        let (table, sampling) = (Arc::new(table), Sampling::OFF);
        Self { publisher, table, metrics, sampling, namespaces: Arc::default() }
    }

    /// The same, with a word where an emit is for a namespace that is none of these and that nobody hears.
    #[must_use]
    pub fn serving(self, namespaces: &[Namespace]) -> Self {
        Self { namespaces: namespaces.into(), ..self }
    }

    /// The same, with traces recorded of some of what it takes.
    #[must_use]
    pub fn traced(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// Publishes a batch that was handed in over HTTP, and says what became of it. A bad message is
    /// refused alone; when the bus takes no more, the report says from where on. Progress that is too
    /// early waits for its turn in here, and holds up nothing else of the batch.
    ///
    /// Not cancellation-safe: dropped half-way, a part may have been published. Handing the batch in
    /// again is harmless.
    pub async fn take(&self, batch: Batch) -> Report {
        let (messages, parent) = (batch.messages(), batch.parent());
        let mut fates = vec![Fate::NotTaken; messages.len()];
        let mut desk = Desk::new(self.clone(), Road::Http, messages.len());
        let handed_in = SystemTime::now();
        let entries = messages.iter().enumerate().map(|(ticket, json)| {
            let json = json.clone();
            Entry { ticket, json, stamp: None, handed_in, parent: parent.clone() }
        });
        for (index, fate) in desk.take(entries.collect()).await {
            fates[index] = fate;
        }
        for (index, fate) in desk.flush_all().await {
            fates[index] = fate;
        }
        Report::of(fates)
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    pub(crate) fn serves(&self, namespace: &Namespace) -> bool {
        self.namespaces.is_empty() || self.namespaces.contains(namespace)
    }

    pub(crate) fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// The message, or its refusal.
    pub(crate) fn read(
        &self,
        json: &[u8],
        stamp: Option<Stamp>,
        handed_in: SystemTime,
    ) -> Result<Message, Fate> {
        Message::parse(json, &self.table, stamp, handed_in)
            .map_err(|error| Fate::Rejected { reason: error.reason(), error: error.to_string() })
    }
}
