//! A bus with one node that listens to user 5, and an intake before it.

use std::{sync::Arc, time::Duration};

use adapter::{Arrival, Config, Embedded, Link};
use bytes::Bytes;
use ingest::{Batch, Intake, Metrics, Report};
use notice::{Audience, NodeId, Notice, StatusTable, UserId};
use prometheus::{Registry, TextEncoder};

pub(crate) struct Rig {
    pub(crate) intake: Intake,
    link: Link,
    registry: Registry,
}

/// A bus as roomy as a real one.
pub(crate) fn roomy() -> Config {
    Config {
        finals_keep: 1000,
        finals_age: Duration::from_hours(24),
        live_age: Duration::from_hours(6),
        ended_age: Duration::from_hours(24),
        inbox_len_max: 1000,
        interest_linger: Duration::from_secs(1),
        tasks_per_user_max: 1000,
        audiences_max: 1000,
        progress_pace: Duration::ZERO,
        publish_wait: Duration::from_millis(10),
        login_lease: Duration::from_secs(15),
        room_members_max: 100_000,
        login_rooms_max: 1_000_000,
        revocations_max: 100_000,
        kept_rooms: notice::RoomPatterns::default(),
        uplink: None,
        node_lease: Duration::from_secs(15),
        seats_held: None,
    }
}

/// A bus that takes one notice and no more until it was read.
pub(crate) fn tight() -> Config {
    Config { inbox_len_max: 1, ..roomy() }
}

pub(crate) const PACE: Duration = Duration::from_millis(100);

/// A bus that keeps a pace.
pub(crate) fn paced() -> Config {
    Config { progress_pace: PACE, ..roomy() }
}

/// A message of user 5.
pub(crate) fn message(task: &str, event: &str) -> String {
    format!(r#"{{"identity":"{task}","userIdentity":5,"event":"{event}"}}"#)
}

impl Rig {
    pub(crate) async fn over(config: Config) -> Self {
        let registry = Registry::new();
        let link = Embedded::new(config, &registry).unwrap().link(NodeId::new("n1").unwrap());
        let user = UserId::new("5").unwrap();
        link.interest.enter(&Audience::tasks_of(user)).await.unwrap();
        let metrics = Metrics::new(&registry).unwrap();
        let intake = Intake::new(link.publisher.clone(), StatusTable::default(), metrics);
        Self { intake, link, registry }
    }

    /// Hands in messages, a line each.
    pub(crate) async fn take(&self, lines: &[String]) -> Report {
        let body = Bytes::from(lines.join("\n"));
        self.intake.take(Batch::read(&body, Some("application/x-ndjson")).unwrap()).await
    }

    /// What has arrived on the node, as the task and event of each notice.
    pub(crate) fn arrived(&mut self) -> Vec<String> {
        self.arrivals().iter().map(|notice| told(notice)).collect()
    }

    /// What has arrived on the node, as the data of each notice.
    pub(crate) fn arrived_data(&mut self) -> Vec<String> {
        self.arrivals().iter().map(|notice| notice.draft.payload.args().to_owned()).collect()
    }

    /// Waits for what arrives next.
    pub(crate) async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_mins(1), self.link.inbox.next()).await;
        let Some(Arrival::Notice(notice)) = next.unwrap() else { panic!("no notice") };
        told(&notice)
    }

    fn arrivals(&mut self) -> Vec<Arc<Notice>> {
        std::iter::from_fn(|| self.link.inbox.try_next())
            .map(|arrival| match arrival {
                Arrival::Notice(notice) => notice,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// The value of a series as `/metrics` shows it; 0 where it does not show one.
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }
}

/// A notice as its task and event.
fn told(notice: &Notice) -> String {
    let task = notice.draft.kind.task().map_or("-", |task| &task.identity);
    let event = notice.draft.event.as_ref().unwrap();
    format!("{task} {event}")
}
