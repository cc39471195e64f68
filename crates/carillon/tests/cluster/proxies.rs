//! Whose address counts where proxies stand in front: those that are listed say, and nobody else.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use http::{Method, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{self, Duration},
};

use crate::{
    harness::{Bus, Cluster},
    page::DEADLINE,
};

/// The only proxy that is believed.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const TRUSTED: (&str, &str) = ("public.trusted_proxies", "127.0.0.2");
const INTRODUCED: (&str, &str) = ("public.proxy_protocol", "true");
const LINE: &str = "PROXY TCP4 192.0.2.7 127.0.0.1 4660 80\r\n";

async fn one(settings: &[(&str, &str)]) -> Cluster {
    Cluster::set(1, Bus::Embedded, settings).await
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Asks for a plain WebSocket of user 5, behind these first bytes and with these headers. The status, and the
/// connection that must be kept.
async fn ask(mut stream: TcpStream, first: &str, headers: &str) -> (Option<u16>, TcpStream) {
    let request = format!(
        "{first}GET /ws?namespace=/notice&user=5 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = time::timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("in time");
    let status = read.ok().map(|_| std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap());
    (status, stream)
}

/// The addresses that the node has for those who sit there.
async fn addresses(cluster: &Cluster) -> Vec<String> {
    let (status, listed) = cluster.ask(0, Method::GET, "/v1/sockets", "").await;
    assert_eq!(status, StatusCode::OK);
    let address = |socket: &Value| socket["address"].as_str().unwrap().to_owned();
    listed["sockets"].as_array().unwrap().iter().map(address).collect()
}

async fn sits_as(cluster: &Cluster, address: &str) {
    let seated = async {
        while addresses(cluster).await != [address] {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = time::timeout(DEADLINE, seated).await;
    assert!(in_time.is_ok(), "{address}: {:?}", addresses(cluster).await);
}

async fn counted(cluster: &Cluster, outcome: &str) {
    let series = format!("carillon_handshakes_total{{outcome=\"{outcome}\"}} ");
    cluster.metric_is(0, &series, 1.0).await;
}

#[tokio::test]
async fn a_listed_proxys_header_says_who_the_client_is() {
    let cluster = one(&[TRUSTED]).await;
    let proxy = connect(PROXY, cluster.public(0)).await;
    let (status, _kept) = ask(proxy, "", "X-Forwarded-For: 1.1.1.1, 192.0.2.7\r\n").await;
    assert_eq!(status, Some(101));
    sits_as(&cluster, "192.0.2.7").await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn the_standards_header_is_read_where_it_is_set() {
    let cluster = one(&[TRUSTED, ("public.forwarded_header", "forwarded")]).await;
    let proxy = connect(PROXY, cluster.public(0)).await;
    let headers = "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=\"192.0.2.7:99\";proto=https\r\n";
    let (status, _kept) = ask(proxy, "", headers).await;
    assert_eq!(status, Some(101));
    sits_as(&cluster, "192.0.2.7").await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn nobody_elses_header_is_looked_at() {
    let cluster = one(&[TRUSTED]).await;
    let stranger = connect(STRANGER, cluster.public(0)).await;
    let (status, _kept) = ask(stranger, "", "X-Forwarded-For: no address\r\n").await;
    assert_eq!(status, Some(101));
    sits_as(&cluster, "127.0.0.3").await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_listed_proxy_that_names_no_address_is_answered_400() {
    let cluster = one(&[TRUSTED]).await;
    let proxy = connect(PROXY, cluster.public(0)).await;
    let (status, _kept) = ask(proxy, "", "X-Forwarded-For: no address\r\n").await;
    assert_eq!(status, Some(400));
    counted(&cluster, "forwarded").await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_limit() {
    let cluster = one(&[TRUSTED, ("limits.sockets_per_address", "2")]).await;
    let mut kept = Vec::new();
    for (client, wanted) in [("192.0.2.7", 101), ("192.0.2.7", 101), ("192.0.2.8", 101)] {
        let proxy = connect(PROXY, cluster.public(0)).await;
        let (status, stream) = ask(proxy, "", &format!("X-Forwarded-For: {client}\r\n")).await;
        assert_eq!(status, Some(wanted), "{client}");
        kept.push(stream);
    }
    let proxy = connect(PROXY, cluster.public(0)).await;
    let (status, _over) = ask(proxy, "", "X-Forwarded-For: 192.0.2.7\r\n").await;
    assert_eq!(status, Some(429));
    counted(&cluster, "address_full").await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn by_the_proxy_protocol_the_connection_says_who_the_client_is() {
    let cluster = one(&[TRUSTED, INTRODUCED, ("limits.sockets_per_address", "1")]).await;
    let proxy = connect(PROXY, cluster.public(0)).await;
    let (status, _kept) = ask(proxy, LINE, "X-Forwarded-For: 1.1.1.1\r\n").await;
    assert_eq!(status, Some(101));
    sits_as(&cluster, "192.0.2.7").await;
    let proxy = connect(PROXY, cluster.public(0)).await;
    assert_eq!(ask(proxy, LINE, "").await.0, None, "it has one");
    counted(&cluster, "address_full").await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_listed_proxy_must_introduce_its_clients_and_others_must_not() {
    let cluster = one(&[TRUSTED, INTRODUCED]).await;
    let proxy = connect(PROXY, cluster.public(0)).await;
    assert_eq!(ask(proxy, "", "").await.0, None);
    counted(&cluster, "proxy_header").await;
    let stranger = connect(STRANGER, cluster.public(0)).await;
    assert_eq!(ask(stranger, LINE, "").await.0, Some(400));
    let stranger = connect(STRANGER, cluster.public(0)).await;
    let (status, _kept) = ask(stranger, "", "").await;
    assert_eq!(status, Some(101));
    sits_as(&cluster, "127.0.0.3").await;
    cluster.stop_all().await;
}

/// A proxy of other people's, ended with its test.
struct Proxy(Child, PathBuf);

impl Proxy {
    /// Runs `program` with a file of settings, and waits until it listens.
    async fn start(program: &[&str], settings: &str, port: u16) -> Self {
        let name = format!("{}-{port}", program[0]);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("settings");
        fs::write(&file, settings.replace("FOLDER", folder.to_str().unwrap())).unwrap();
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(&file).current_dir(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("apt-get install haproxy nginx-light brings it");
        let proxy = Self(child, folder);
        let listening = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(DEADLINE, listening).await.expect("it listens");
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
        drop(fs::remove_dir_all(&self.1));
    }
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn haproxy_introduces_its_clients_by_either_version() {
    for version in ["send-proxy", "send-proxy-v2"] {
        let cluster = one(&[TRUSTED, INTRODUCED]).await;
        let (port, node) = (free_port().await, cluster.public(0));
        let settings = format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             listen front\n bind 127.0.0.1:{port}\n server node {node} source 127.0.0.2 {version}\n"
        );
        let _proxy = Proxy::start(&["haproxy", "-db", "-f"], &settings, port).await;
        let client = connect(STRANGER, (Ipv4Addr::LOCALHOST, port).into()).await;
        let (status, _kept) = ask(client, "", "").await;
        assert_eq!(status, Some(101), "{version}");
        sits_as(&cluster, "127.0.0.3").await;
        cluster.stop_all().await;
    }
}

#[tokio::test]
async fn nginx_names_its_clients_whatever_they_say_themselves() {
    let cluster = one(&[TRUSTED]).await;
    let (port, node) = (free_port().await, cluster.public(0));
    let settings = format!(
        "daemon off;\npid FOLDER/pid;\nerror_log FOLDER/log;\nevents {{}}\nhttp {{\n access_log off;\n\
         client_body_temp_path FOLDER;\n proxy_temp_path FOLDER;\n fastcgi_temp_path FOLDER;\n\
         uwsgi_temp_path FOLDER;\n scgi_temp_path FOLDER;\n server {{\n  listen 127.0.0.1:{port};\n\
         location / {{\n   proxy_pass http://{node};\n   proxy_bind 127.0.0.2;\n   proxy_http_version 1.1;\n\
         proxy_set_header Upgrade $http_upgrade;\n   proxy_set_header Connection upgrade;\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n  }}\n }}\n}}\n"
    );
    let _proxy = Proxy::start(&["nginx", "-c"], &settings, port).await;
    let client = connect(STRANGER, (Ipv4Addr::LOCALHOST, port).into()).await;
    let (status, _kept) = ask(client, "", "X-Forwarded-For: 1.1.1.1\r\n").await;
    assert_eq!(status, Some(101));
    sits_as(&cluster, "127.0.0.3").await;
    cluster.stop_all().await;
}
