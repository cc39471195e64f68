//! A WebSocket that goes through one node to a session of another.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::DEADLINE,
};

on_both_buses!(a_tunnel_whose_far_side_is_gone_ends_though_its_client_holds_on);

const TUNNELS: &str = "carillon_tunnels ";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Says a request's head, and gives what is answered first.
async fn ask(stream: &mut TcpStream, head: &str) -> String {
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = timeout(DEADLINE, stream.read(&mut answer)).await.expect("an answer in time");
    String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned()
}

/// A polling session of this node's: its id.
async fn session(cluster: &Cluster, node: usize) -> String {
    let mut stream = TcpStream::connect(cluster.public(node)).await.unwrap();
    let answer = ask(&mut stream, &format!("GET {POLLING} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    let (_, sid) = answer.split_once("\"sid\":\"").expect("it opens");
    sid.split('"').next().unwrap().to_owned()
}

/// The upgrade of that session through a node.
async fn upgrade(cluster: &Cluster, node: usize, sid: &str) -> TcpStream {
    let mut stream = TcpStream::connect(cluster.public(node)).await.unwrap();
    let head = format!(
        "GET /socket.io/?EIO=4&transport=websocket&sid={sid} HTTP/1.1\r\nHost: a\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let answer = ask(&mut stream, &head).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    stream
}

async fn a_tunnel_whose_far_side_is_gone_ends_though_its_client_holds_on(bus: Bus) {
    // The one that has the session puts an end to what is not probed.
    let limits = [("limits.handshake", "3s"), ("limits.stall", "1s")];
    let mut cluster = Cluster::set(2, bus, &limits).await;
    let sid = session(&cluster, 1).await;
    let _held = [upgrade(&cluster, 0, &sid).await, upgrade(&cluster, 0, &sid).await];
    cluster.metric_is(0, TUNNELS, 2.0).await;
    cluster.metric_is(0, TUNNELS, 0.0).await;
    timeout(Duration::from_secs(10), cluster.stop(0)).await.expect("nobody is waited for");
    cluster.stop_all().await;
}
