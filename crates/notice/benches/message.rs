//! What it costs to read a worker's message: its event, kind, audience and order, and its JSON kept as it is.
//!
//! `cargo bench -p notice`. Not measured: how it came in, the batch it was cut from, and what the bus does with it.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the measurement")]

use std::{hint::black_box, time::SystemTime};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use notice::{Message, StatusTable};

/// As workers report a copy, and the same with a payload of its own beside what is read.
fn message(extra_bytes: usize) -> String {
    let extra = "x".repeat(extra_bytes);
    format!(
        r#"{{"identity":"copy-7","userIdentity":"5","status":100,"progress":41,"name":"july-holiday-7.mp4","size":73400320,"source":"/videos/2026/july","target":"/backup/videos/2026/july","speed":10485760,"remaining":"00:07:12","extra":"{extra}"}}"#
    )
}

fn messages(criterion: &mut Criterion) {
    let table = StatusTable::default();
    let mut group = criterion.benchmark_group("message");
    for extra_bytes in [0, 16 * 1024] {
        let text = message(extra_bytes);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("{} bytes", text.len()), |bencher| {
            bencher.iter(|| {
                let read = Message::parse(
                    black_box(text.as_bytes()),
                    &table,
                    None,
                    SystemTime::UNIX_EPOCH,
                );
                black_box(read.unwrap())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, messages);
criterion_main!(benches);
