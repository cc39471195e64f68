//! What the doctor finds: Redis, nodes that run, and what stands in front of them.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use super::{
    harness::{Ended, Node, PORTS, carillon},
    redis::node_on,
    server::Server,
};

fn doctor(more: &[&str]) -> Ended {
    carillon(&[&["doctor"][..], &PORTS, more].concat())
}

/// The line about this, and the hint below it.
fn told(ended: &Ended, what: &str) -> String {
    let mut lines = ended.out.lines().skip_while(|line| !line.contains(what));
    let line = lines.next().unwrap_or_else(|| panic!("nothing of {what}: {}", ended.out));
    let hint = lines.next().filter(|line| line.trim_start().starts_with("hint"));
    format!("{line}{}", hint.unwrap_or_default())
}

#[tokio::test]
async fn a_redis_is_told_by_its_version_and_by_what_it_would_lose() {
    let redis = Server::start(&["--maxmemory-policy", "allkeys-lru"]).await;
    let url = format!("redis.url={}", redis.url());
    let ended = doctor(&["--set", &url]);
    assert_eq!(ended.code, 0, "{}", ended.out);
    for good in
        [" version: 7.", " latency: ", " clock: ", " replicas: 0", " clients: ", "redis rights: "]
    {
        assert!(told(&ended, good).starts_with("good"), "{}", ended.out);
    }
    let memory = told(&ended, " memory: ");
    assert!(memory.starts_with("weak") && memory.contains("noeviction"), "{memory}");
    let persistence = told(&ended, " persistence: ");
    assert!(
        persistence.starts_with("weak") && persistence.contains("appendonly yes"),
        "{persistence}"
    );

    let ended = doctor(&["--set", &url, "--set", "redis.min_replicas_ack=1"]);
    assert_eq!(ended.code, 1);
    assert!(told(&ended, " replicas: 0").contains("start replicas"), "{}", ended.out);
}

#[tokio::test]
async fn a_user_that_may_do_too_little_is_told_with_what_to_grant() {
    let redis = Server::start(&[]).await;
    redis.say("ACL SETUSER short on >pw ~* &* +@all -hincrby -xgroup|create").await;
    let address = redis.url().strip_prefix("redis://").unwrap().to_owned();
    let url = format!("redis.url=redis://short:pw@{address}");
    let ended = doctor(&["--set", &url]);
    assert_eq!(ended.code, 1);
    let rights = told(&ended, "redis rights: ");
    assert!(rights.contains("hint: ACL SETUSER … +hincrby +xgroup|create"), "{rights}");
    // Without the role, nobody asks for what the queues need.
    let ended = doctor(&["--set", &url, "--roles", "gateway"]);
    let rights = told(&ended, "redis rights: ");
    assert!(rights.ends_with("+hincrby"), "{rights}");
}

#[tokio::test]
async fn nodes_that_run_are_asked_whether_they_agree() {
    let redis = Server::start(&[]).await;
    let nodes = [(); 2].map(|()| node_on(&redis.url(), &[]));
    let stranger = Node::start("serve", &[]);
    let agreed = doctor(&["--node", &nodes[0].internal, "--node", &nodes[1].internal]);
    assert!(told(&agreed, "  nodes: ").starts_with("good  nodes: 2 are seen"), "{}", agreed.out);
    assert!(told(&agreed, "  versions: ").starts_with("good"), "{}", agreed.out);
    let taking = agreed.out.lines().filter(|line| line.ends_with(": takes clients"));
    assert_eq!((agreed.code, taking.count()), (0, 2), "{}", agreed.out);

    let split = doctor(&["--node", &nodes[0].internal, "--node", &stranger.internal]);
    let nodes = told(&split, "  nodes: ");
    assert!(
        nodes.starts_with("bad ") && nodes.contains("hint: give all nodes the same"),
        "{nodes}"
    );
    assert_eq!(split.code, 1);

    let gone = doctor(&["--node", "http://127.0.0.1:1"]);
    assert!(told(&gone, "node 127.0.0.1:1: ").contains("hint: is that a node's internal address?"));
    assert_eq!(gone.code, 1);
}

#[test]
fn where_the_node_runs_its_own_ports_are_no_fault() {
    let node = Node::start("serve", &[]);
    let at = |url: &str| url.strip_prefix("http://").unwrap().to_owned();
    let (public, internal) = (at(&node.public), at(&node.internal));
    let beside = carillon(&["doctor", "--public-addr", &public, "--internal-addr", &internal]);
    assert_eq!(beside.code, 0, "{}", beside.out);
    for port in ["public port", "internal port"] {
        let said = told(&beside, port);
        assert!(said.contains(&format!("{port}: the node that runs here listens on ")), "{said}");
    }
}

#[test]
fn a_front_is_asked_whether_it_finds_a_session_again() {
    let nodes = [(); 2].map(|()| Node::start("serve", &[]));
    let whole = doctor(&["--front", &nodes[0].public]);
    assert!(told(&whole, " with cookies: ").starts_with("good"), "{}", whole.out);
    assert!(told(&whole, " without cookies: ").starts_with("good"), "{}", whole.out);

    // Two that share nothing, by turns.
    let front = format!("http://{}", by_turns(nodes.each_ref().map(|node| node.public.clone())));
    let broken = doctor(&["--front", &front]);
    let said = told(&broken, " with cookies: ");
    assert!(said.starts_with("bad ") && said.contains("docs/sticky.md"), "{said}");
    assert_eq!(broken.code, 1);
}

/// Hands each connection to the next node.
fn by_turns(nodes: [String; 2]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let turns = nodes.iter().cycle();
        for (connection, node) in listener.incoming().map_while(Result::ok).zip(turns) {
            let node = TcpStream::connect(node.strip_prefix("http://").unwrap()).unwrap();
            let ends =
                [(connection.try_clone().unwrap(), node.try_clone().unwrap()), (node, connection)];
            for (mut from, mut to) in ends {
                thread::spawn(move || io::copy(&mut from, &mut to));
            }
        }
    });
    address
}
