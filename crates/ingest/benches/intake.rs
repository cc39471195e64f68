//! What a message costs from its text to the bus in memory: read, conflated, judged, handed to a node.
//!
//! `cargo bench -p ingest`. A batch is two progress messages of each of 250 tasks, of which one is left out.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the measurement")]

use std::{hint::black_box, time::Duration};

use adapter::{Config, Embedded, Link};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ingest::{Batch, Intake, Metrics};
use notice::{NodeId, StatusTable};
use prometheus::Registry;
use tokio::runtime::Builder;

const TASKS: usize = 250;

fn config() -> Config {
    Config {
        finals_keep: 1_000,
        finals_age: Duration::from_hours(24),
        live_age: Duration::from_hours(6),
        ended_age: Duration::from_hours(24),
        inbox_len_max: 10_000,
        interest_linger: Duration::from_secs(1),
        tasks_per_user_max: 1_000,
        audiences_max: 1_000,
        // Any pace would be what is measured.
        progress_pace: Duration::ZERO,
        publish_wait: Duration::from_secs(1),
        login_lease: Duration::from_secs(15),
        room_members_max: 1_000,
        login_rooms_max: 1_000,
        revocations_max: 100_000,
        kept_rooms: notice::RoomPatterns::default(),
        uplink: None,
        node_lease: Duration::from_secs(15),
        seats_held: None,
    }
}

/// Four tasks a user, as workers report them.
fn batch() -> Bytes {
    let message = |n: usize| {
        let (task, user) = (n % TASKS, n % TASKS / 4);
        format!(
            r#"{{"identity":"copy-{task}","userIdentity":"{user}","status":100,"progress":{},"name":"july-holiday-{task}.mp4","size":73400320,"source":"/videos/2026/july","target":"/backup/videos/2026/july","speed":10485760,"remaining":"00:07:12"}}"#,
            n / TASKS
        )
    };
    (0..2 * TASKS).map(message).collect::<Vec<_>>().join("\n").into()
}

fn intake(link: &Link, registry: &Registry) -> Intake {
    let metrics = Metrics::new(registry).unwrap();
    Intake::new(link.publisher.clone(), StatusTable::default(), metrics)
}

fn batches(criterion: &mut Criterion) {
    let (runtime, registry) =
        (Builder::new_current_thread().enable_time().build().unwrap(), Registry::new());
    let link = Embedded::new(config(), &registry).unwrap().link(NodeId::new("n").unwrap());
    let (intake, body) = (intake(&link, &registry), batch());
    let mut group = criterion.benchmark_group("intake");
    group.throughput(Throughput::Elements(2 * TASKS as u64));
    group.bench_function("a batch of progress", |bencher| {
        bencher.iter(|| {
            let batch = Batch::read(&body, Some("application/x-ndjson")).unwrap();
            black_box(runtime.block_on(intake.take(batch)))
        });
    });
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
