//! What publishing by Redis costs: one call of the script after the other, and many notices in one call.
//!
//! `cargo bench -p adapter`. Starts a `redis-server` of its own, which writes nothing to disk. Not measured: a
//! network, a Redis that writes or has replicas, nodes that listen, and whose CPU it is: a call is mostly waiting.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the measurement")]

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use adapter::{Config, Link, Redis, RedisConfig};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use notice::{Draft, Message, NodeId, RoomPatterns, StatusTable};
use prometheus::Registry;
use tokio::{runtime::Builder, time::Instant};

/// So many notices go in one call.
const TOGETHER: usize = 64;
const START_WAIT: Duration = Duration::from_secs(10);

/// Gone with the measurement.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--port"]).arg(port.to_string());
        let process = command.stdout(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + START_WAIT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "redis-server does not answer");
        }
        Self { process, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

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
        kept_rooms: RoomPatterns::default(),
        uplink: None,
        node_lease: Duration::from_secs(15),
        seats_held: None,
    }
}

/// Progress of task `n`, four tasks a user.
fn draft(n: usize) -> Draft {
    let user = n / 4;
    let text = format!(
        r#"{{"identity":"copy-{n}","userIdentity":"{user}","status":100,"progress":7,"name":"july-holiday-{n}.mp4","size":73400320,"speed":10485760,"remaining":"00:07:12"}}"#
    );
    let read = Message::parse(text.as_bytes(), &StatusTable::default(), None, SystemTime::now());
    read.unwrap().into_draft()
}

async fn link(server: &Server) -> (Redis, Link) {
    let url = format!("redis://127.0.0.1:{}", server.port);
    let config = RedisConfig::new(&url, "bench", config());
    let redis = Redis::connect(config, &Registry::new()).await.unwrap();
    let link = redis.link(NodeId::new("n").unwrap()).await.unwrap();
    (redis, link)
}

fn publishing(criterion: &mut Criterion) {
    let server = Server::start();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (_redis, link) = runtime.block_on(link(&server));
    let mut group = criterion.benchmark_group("publishing");
    for together in [1, TOGETHER] {
        group.throughput(Throughput::Elements(together as u64));
        group.bench_function(format!("{together} together"), |bencher| {
            bencher.iter(|| {
                let drafts = (0..together).map(draft).collect();
                let results = runtime.block_on(link.publisher.publish_all(drafts));
                assert!(results.iter().all(Result::is_ok), "{results:?}");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, publishing);
criterion_main!(benches);
