//! A gateway on a bus in memory, of which a test drives the parts: its sockets are those that the test makes, and
//! nothing of it runs by itself.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use adapter::Embedded;
use notice::{
    Audience, Cursor, Draft, Epoch, EventName, Kind, Namespace, NodeId, Notice, Origin, Payload,
    Position, Room, RoomPatterns, Scope,
};
use prometheus::Registry;
use tokio::net::{TcpListener, TcpStream};

use crate::{
    Config, Gateway, Limits, Origins, Proxies, Uplink,
    engine::{Dialect, Session, Transport, Wire},
    seat::Seat,
    shared::Shared,
};

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_mins(1);

/// With these limits changed.
pub(crate) fn gateway(change: impl FnOnce(&mut Limits)) -> Gateway {
    let (node, registry) = (NodeId::new("n").unwrap(), Registry::new());
    let link = Embedded::new(bus(), &registry).unwrap().link(node.clone());
    let mut config = config(node);
    change(&mut config.limits);
    Gateway::new(config, link, &registry).unwrap()
}

pub(crate) fn session(
    shared: &Arc<Shared>,
    dialect: Dialect,
    transport: Transport,
) -> Arc<Session> {
    let (id, address) = (shared.ids.session(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    Session::new(shared, id, dialect, transport, None, address)
}

/// A wire, and its other end.
pub(crate) async fn wire() -> (Wire, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(addr), listener.accept());
    (Wire::Plain(accepted.unwrap().0), client.unwrap())
}

/// A session over WebSocket, and the other end of its wire.
pub(crate) async fn websocket(shared: &Arc<Shared>) -> (Arc<Session>, TcpStream) {
    let session = session(shared, Dialect::Engine4, Transport::WebSocket);
    let (wire, client) = wire().await;
    session.set_wire(wire);
    (session, client)
}

/// A seat of `session` that is a member of `audience`, and not welcomed yet.
pub(crate) fn seat(session: &Arc<Session>, audience: &Audience) -> Arc<Seat> {
    let namespace = audience.namespace.clone();
    let seat = Seat::new(session, namespace, None, Cursor::default(), None, None);
    session.seats.add(&seat);
    session.shared.hub.join(&seat, audience);
    seat
}

pub(crate) fn room(name: &str) -> Audience {
    Audience { namespace: Namespace::notice(), scope: Scope::Room(Room::new(name).unwrap()) }
}

/// A kept notice to `audience` with so much in it.
pub(crate) fn notice(audience: &Audience, seq: u64, bytes: usize) -> Arc<Notice> {
    let draft = Draft {
        audience: audience.clone(),
        narrowing: None,
        event: Some(EventName::new("told").unwrap()),
        payload: Payload::joined(format!("\"{}\"", "x".repeat(bytes)).into(), vec![]).unwrap(),
        kind: Kind::Kept,
        origin: Origin::Backend,
        handed_in: SystemTime::now(),
        trace: None,
    };
    Arc::new(Notice { draft, position: Position { epoch: Epoch::new("e").unwrap(), seq } })
}

fn bus() -> adapter::Config {
    adapter::Config {
        finals_keep: 1,
        finals_age: LONG,
        live_age: LONG,
        ended_age: LONG,
        inbox_len_max: 1,
        interest_linger: LONG,
        tasks_per_user_max: 1,
        audiences_max: 1,
        progress_pace: Duration::ZERO,
        publish_wait: LONG,
        login_lease: LONG,
        room_members_max: 1,
        login_rooms_max: 1,
        revocations_max: 1,
        kept_rooms: RoomPatterns::default(),
        uplink: None,
        node_lease: LONG,
        seats_held: None,
    }
}

fn limits() -> Limits {
    Limits {
        sockets: 1_000,
        sockets_per_address: 1_000,
        sockets_per_user: 1_000,
        accepts_per_second: 1_000,
        accepts_burst: 1_000,
        handshakes: 1_000,
        events_per_second: 1_000,
        packets_per_second: 1_000,
        bytes_per_second: 1 << 20,
        rooms_per_socket: 16,
        header_bytes: 1 << 14,
        payload_bytes: 1 << 20,
        queue_bytes: 1 << 20,
        memory: None,
        stall: LONG,
        handshake: LONG,
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
        ping_interval: LONG,
        ping_timeout: LONG,
        recovery_window: LONG,
        recovery_native: false,
        conformance: None,
        auth: auth::Config { mode: auth::Mode::Anonymous, ca: None },
        auth_cookie: None,
        revocation_keep: LONG,
        downlink_always_ok: false,
        limits: limits(),
        age_max: None,
        drain_delay: LONG,
        drain_over: LONG,
        uplink: Uplink::default(),
        sampling: trace::Sampling::OFF,
    }
}
