//! Where messages from every source meet: checked, conflated, published in one step.

use std::{sync::Arc, time::SystemTime};

use adapter::Publisher;
use notice::{Draft, Message, Stamp, StatusTable};

use crate::{
    batch::Batch,
    conflation::conflate,
    events,
    fate::Fate,
    metrics::{Metrics, Road},
    report::Report,
};

/// How many messages are read before others get a turn.
const TURN_LEN: usize = 256;

/// Takes batches of worker messages and publishes them. Clones share everything.
#[derive(Clone, Debug)]
pub struct Intake {
    publisher: Publisher,
    table: Arc<StatusTable>,
    metrics: Metrics,
}

/// One message with what is known about it from outside.
pub(crate) struct Incoming<'a> {
    pub(crate) json: &'a [u8],
    pub(crate) stamp: Option<Stamp>,
    pub(crate) handed_in: SystemTime,
}

impl Intake {
    pub fn new(publisher: Publisher, table: StatusTable, metrics: Metrics) -> Self {
        Self { publisher, table: Arc::new(table), metrics }
    }

    /// Publishes a batch that was handed in over HTTP, and says what became of it. A bad message is
    /// refused alone; when the bus takes no more, the report says from where on.
    ///
    /// Not cancellation-safe: dropped half-way, a part may have been published. Handing the batch in
    /// again is harmless.
    pub async fn take(&self, batch: Batch) -> Report {
        let handed_in = SystemTime::now();
        let incoming: Vec<_> =
            batch.messages().iter().map(|json| Incoming { json, stamp: None, handed_in }).collect();
        Report::of(self.settle(Road::Http, &incoming).await)
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Gives each message its fate, in their order.
    pub(crate) async fn settle(&self, road: Road, incoming: &[Incoming<'_>]) -> Vec<Fate> {
        let mut fates = vec![Fate::NotTaken; incoming.len()];
        let mut well_formed = Vec::with_capacity(incoming.len());
        for (index, Incoming { json, stamp, handed_in }) in incoming.iter().enumerate() {
            if index % TURN_LEN == TURN_LEN - 1 {
                tokio::task::yield_now().await;
            }
            match Message::parse(json, &self.table, *stamp, *handed_in) {
                Ok(message) => well_formed.push((index, message.into_draft())),
                Err(error) => {
                    let (reason, error) = (error.reason(), error.to_string());
                    fates[index] = Fate::Rejected { reason, error };
                }
            }
        }
        let conflated = self.publish(well_formed, &mut fates).await;
        events::settled(&self.metrics, road, &fates, conflated);
        fates
    }

    /// Publishes what is left after conflation and notes the fate of all. A message left out shares
    /// the fate of the one that replaced it. Returns how many were left out for good.
    async fn publish(&self, drafts: Vec<(usize, Draft)>, fates: &mut [Fate]) -> usize {
        let (drafts, stands_for): (Vec<_>, Vec<_>) = conflate(drafts)
            .into_iter()
            .map(|bundle| (bundle.draft, (bundle.index, bundle.left_out)))
            .unzip();
        let answers = self.publisher.publish_all(drafts).await;
        let mut conflated = 0;
        for ((index, left_out), answer) in stands_for.into_iter().zip(answers) {
            let fate = Fate::of(answer);
            if fate != Fate::NotTaken {
                conflated += left_out.len();
            }
            for index in left_out {
                fates[index] = fate.of_predecessor();
            }
            fates[index] = fate;
        }
        conflated
    }
}
