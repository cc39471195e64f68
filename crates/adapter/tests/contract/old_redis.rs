//! A Redis before 7.0, played: none is installed.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Answers as a Redis 6.2 does, as far as anybody asks. It ends with its handle.
pub(crate) struct OldRedis {
    addr: SocketAddr,
    _playing: JoinSet<()>,
}

impl OldRedis {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a port");
        let addr = listener.local_addr().expect("it is bound");
        let mut playing = JoinSet::new();
        playing.spawn(play(listener));
        Self { addr, _playing: playing }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }
}

async fn play(listener: TcpListener) {
    let mut talks = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Who asks may leave in the middle of a word.
        talks.spawn(async move { answer(stream).await.ok() });
    }
}

async fn answer(stream: TcpStream) -> std::io::Result<()> {
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
