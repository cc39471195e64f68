//! What a notice costs the gateway before the system has it: its frame, once for all who speak alike, and a crowd's
//! members, one by one and with many notices in one go.
//!
//! `cargo bench -p gateway`. Not measured: the write, which is nine tenths of a paced delivery (`loadtest fanout` has
//! it), the bus, cold memory of many more sockets than these, and other cores. In it, though a socket that takes its
//! write at once has none: a queue for each member, since these poll.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the measurement")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, SystemTime},
};

use adapter::Embedded;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gateway::{Config, Crowd, Gateway, Limits, Origins, Proxies, Uplink, frame};
use notice::{
    Audience, Draft, Epoch, EventName, Kind, Namespace, NodeId, Notice, Origin, Payload, Position,
    Room, RoomPatterns, Scope,
};
use prometheus::Registry;
use tokio::runtime::Builder;

const CROWD: usize = 1_000;
const DATA_BYTES: usize = 256;
const MINUTE: Duration = Duration::from_mins(1);

fn audience() -> Audience {
    Audience { namespace: Namespace::notice(), scope: Scope::Room(Room::new("crowd").unwrap()) }
}

fn notice(seq: u64) -> Arc<Notice> {
    let draft = Draft {
        audience: audience(),
        narrowing: None,
        event: Some(EventName::new("told").unwrap()),
        payload: Payload::joined(format!("\"{}\"", "x".repeat(DATA_BYTES)).into(), vec![]).unwrap(),
        kind: Kind::Plain,
        origin: Origin::Backend,
        handed_in: SystemTime::now(),
        trace: None,
    };
    Arc::new(Notice { draft, position: Position { epoch: Epoch::new("e").unwrap(), seq } })
}

fn bus() -> adapter::Config {
    adapter::Config {
        finals_keep: 1,
        finals_age: MINUTE,
        live_age: MINUTE,
        ended_age: MINUTE,
        inbox_len_max: 1,
        interest_linger: MINUTE,
        tasks_per_user_max: 1,
        audiences_max: 1,
        progress_pace: Duration::ZERO,
        publish_wait: MINUTE,
        login_lease: MINUTE,
        room_members_max: 1,
        login_rooms_max: 1,
        revocations_max: 1,
        kept_rooms: RoomPatterns::default(),
        uplink: None,
        node_lease: MINUTE,
        seats_held: None,
    }
}

fn limits() -> Limits {
    Limits {
        sockets: CROWD,
        sockets_per_address: CROWD,
        sockets_per_user: CROWD,
        accepts_per_second: 1,
        accepts_burst: 1,
        handshakes: 1,
        events_per_second: 1,
        packets_per_second: 1,
        bytes_per_second: 1,
        rooms_per_socket: 1,
        header_bytes: 1,
        payload_bytes: 1,
        queue_bytes: 1 << 20,
        memory: None,
        stall: MINUTE,
        handshake: MINUTE,
    }
}

fn config(node: NodeId) -> Config {
    Config {
        node,
        roles: Vec::new(),
        advertised: None,
        path: "/socket.io/".to_owned(),
        namespaces: vec![Namespace::notice()],
        tls: None,
        proxies: Proxies::default(),
        origins: Origins::default(),
        serve_client: None,
        ping_interval: MINUTE,
        ping_timeout: MINUTE,
        recovery_window: MINUTE,
        recovery_native: false,
        conformance: None,
        auth: auth::Config { mode: auth::Mode::Anonymous, ca: None },
        auth_cookie: None,
        revocation_keep: MINUTE,
        downlink_always_ok: false,
        limits: limits(),
        age_max: None,
        drain_delay: MINUTE,
        drain_over: MINUTE,
        uplink: Uplink::default(),
        sampling: trace::Sampling::OFF,
    }
}

fn frames(criterion: &mut Criterion) {
    let notice = notice(1);
    criterion.bench_function("a frame", |bencher| bencher.iter(|| black_box(frame(&notice))));
}

fn crowds(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let (node, registry) = (NodeId::new("n").unwrap(), Registry::new());
    let link = Embedded::new(bus(), &registry).unwrap().link(node.clone());
    let gateway = Gateway::new(config(node), link, &registry).unwrap();
    let crowd = Crowd::of(&gateway, &audience(), CROWD);
    let mut group = criterion.benchmark_group("a crowd of 1,000 hears");
    for together in [1, 32] {
        let notices: Vec<_> = (0..together).map(notice).collect();
        group.throughput(Throughput::Elements(CROWD as u64 * together));
        group.bench_function(format!("{together} together"), |bencher| {
            let hear = |()| assert_eq!(runtime.block_on(crowd.hear(&notices)), CROWD);
            bencher.iter_batched(|| crowd.forget(), hear, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, frames, crowds);
criterion_main!(benches);
