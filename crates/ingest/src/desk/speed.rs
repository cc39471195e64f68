//! What a message costs on its way over the desk. A measurement, not a check: run it by hand, in release.

use std::{
    io::Write,
    time::{Duration, SystemTime},
};

use adapter::{Embedded, Publisher};
use bytes::Bytes;
use notice::{NodeId, Stamp, StatusTable};
use prometheus::Registry;
use tokio::time::advance;

use crate::{
    desk::{Desk, Entry, tests::config},
    intake::Intake,
    metrics::{Metrics, Road},
};

const TASKS: u64 = 2_000;
const ROUNDS: u64 = 100;
const BATCH_LEN: usize = 500;

#[tokio::test(start_paused = true)]
#[ignore = "a measurement, to be run in release"]
async fn two_messages_of_each_task_per_pace_cost_little() {
    let registry = Registry::new();
    let bus = Embedded::new(config(1000), &registry).unwrap();
    let publisher = bus.link(NodeId::new("n").unwrap()).publisher;
    measure(publisher, &registry).await;
}

async fn measure(publisher: Publisher, registry: &Registry) {
    let metrics = Metrics::new(registry).unwrap();
    let intake = Intake::new(publisher, StatusTable::default(), metrics.clone());
    let mut desk = Desk::new(intake, Road::Embedded, 100_000);
    let (mut spent, mut settled) = (Duration::ZERO, 0);
    for round in 0..ROUNDS {
        let mut entries: Vec<_> =
            (0..2 * TASKS).map(|n| message(n % TASKS, 2 * round + n / TASKS)).collect();
        let begin = SystemTime::now();
        while !entries.is_empty() {
            let rest = entries.split_off(BATCH_LEN.min(entries.len()));
            settled += desk.take(entries).await.len();
            entries = rest;
        }
        spent += begin.elapsed().unwrap();
        advance(Duration::from_millis(101)).await;
    }
    settled += desk.flush_all().await.len();
    let messages = 2 * TASKS * ROUNDS;
    assert_eq!(settled as u64, messages);
    let out = messages - metrics.conflated.get();
    let per_second = u128::from(messages) * 1_000_000 / spent.as_micros();
    writeln!(std::io::stderr(), "{messages} in, {out} out, {spent:?}: {per_second} in per second")
        .unwrap();
}

fn message(task: u64, at: u64) -> Entry<Bytes> {
    let json = Bytes::from(format!(
        r#"{{"identity":"copy-{task}","userIdentity":"{}","status":100,"progress":{},"name":"july-holiday-{task}.mp4","size":73400320,"source":"/videos/2026/july","target":"/backup/videos/2026/july","speed":10485760,"remaining":"00:07:12"}}"#,
        task / 4,
        at % 100
    ));
    let stamp = Some(Stamp { millis: at, count: 0 });
    Entry { ticket: json.clone(), json, stamp, handed_in: SystemTime::UNIX_EPOCH }
}
