//! Which Redis can be a bus, and how the others are refused.

use adapter::{ConnectError, LoginError, LoginMode};
use notice::NodeId;
use prometheus::Registry;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinSet,
    time::timeout,
};

use super::{DEADLINE, OverRedis, connect};
use crate::{
    drafts::{audience, end, now},
    logins::login,
    server::Server,
    subject::{Node, Subject},
};

async fn refusal(url: String) -> ConnectError {
    let registry = Registry::new();
    let connecting = connect(url, OverRedis::config(), &registry);
    timeout(DEADLINE, connecting).await.expect("it answers").expect_err("this is no bus")
}

#[tokio::test]
async fn a_wrong_password_is_named_and_never_shown() {
    let server = Server::start(&["--requirepass", "right"]).await;
    let error = refusal(server.url_for(":wrong-secret")).await;
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong-secret"), "{error:?}");
    let none = refusal(server.url()).await;
    assert!(matches!(none, ConnectError::Refused { .. }), "{none}");
    let right = server.url_for(":right");
    connect(right, OverRedis::config(), &Registry::new()).await.expect("it is the password");
}

#[tokio::test]
async fn an_acl_user_with_the_prefix_only_will_do() {
    let server = Server::start(&[]).await;
    let rules = "on >secret ~carillon:* &carillon:* +@all -@dangerous +info";
    server.say(&format!("ACL SETUSER bus {rules}")).await;
    let url = server.url_for("bus:secret");
    let redis = connect(url, OverRedis::config(), &Registry::new()).await.expect("it may");
    let link = redis.link(NodeId::new("node").expect("a node")).await.expect("it may");
    let mut node = Node { link };
    node.enter(&audience()).await;
    node.accepted(end("copy", now(), "end")).await;
    assert_eq!(node.hear_texts(1).await, ["end"]);
    assert!(node.log_in("a", LoginMode::Whenever).await);
    let error = node.try_login(login("a", LoginMode::Last)).await.expect_err("the store is new");
    assert!(matches!(error, LoginError::Unsettled { .. }), "{error}");
}

#[tokio::test]
async fn a_read_only_replica_is_refused() {
    let server = Server::start(&["--replicaof", "127.0.0.1 1"]).await;
    let error = refusal(server.url()).await;
    assert!(matches!(error, ConnectError::ReadOnly { .. }), "{error}");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_refused_with_its_address() {
    let mut server = Server::start(&[]).await;
    let url = server.url();
    server.stop().await;
    let error = refusal(url.clone()).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(url.trim_start_matches("redis://")), "{error}");
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_by_its_form() {
    for url in ["http://127.0.0.1", "127.0.0.1:6379", "redis://"] {
        let error = refusal(url.to_owned()).await;
        assert!(matches!(error, ConnectError::Url { .. }), "{url}: {error}");
    }
}

/// Answers as a Redis 6.2 does, as far as anybody asks.
async fn old_redis(listener: TcpListener) -> std::io::Result<()> {
    let (stream, _) = listener.accept().await?;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    // A command is `*<words>`, and for each word its length and itself; or, as the first one is, a line.
    while let Some(line) = lines.next_line().await? {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        if let Some(len) = line.strip_prefix('*') {
            words.clear();
            for _ in 0..len.parse().unwrap_or_default() {
                lines.next_line().await?;
                words.extend(lines.next_line().await?);
            }
        }
        let info = "redis_version:6.2.14\r\nredis_mode:standalone\r\n";
        let answer = match words.first().map(|word| word.to_ascii_uppercase()).as_deref() {
            Some("HELLO") => "%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n".to_owned(),
            Some("INFO") => format!("${}\r\n{info}\r\n", info.len()),
            Some("CLIENT") => "+OK\r\n".to_owned(),
            _ => "-ERR unknown command\r\n".to_owned(),
        };
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_redis_before_7_is_refused_by_its_version() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a port");
    let url = format!("redis://{}", listener.local_addr().expect("it is bound"));
    let mut playing = JoinSet::new();
    playing.spawn(old_redis(listener));
    let error = refusal(url).await;
    assert!(
        matches!(&error, ConnectError::TooOld { version, .. } if version == "6.2.14"),
        "{error}"
    );
    assert!(error.to_string().contains("hint: 7.0 or newer"), "{error}");
}
