//! A Redis of a test's own: on a free port of the loopback, in a folder of its own, gone with the test.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

const START_WAIT: Duration = Duration::from_secs(20);

/// Ports of the tests' servers: 10,000 to 29,999.
const PORT_MIN: u16 = 10_000;
const PORTS: u32 = 20_000;

/// A running `redis-server` that keeps nothing on disk.
pub(crate) struct Server {
    port: u16,
    folder: PathBuf,
    more: Vec<String>,
    process: Child,
}

impl Server {
    pub(crate) async fn start(more: &[&str]) -> Self {
        Self::start_on(free_port(), more).await
    }

    pub(crate) async fn start_on(port: u16, more: &[&str]) -> Self {
        let folder = env::temp_dir().join(format!("carillon-redis-{port}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder takes a folder");
        let more: Vec<_> = more.iter().map(|&word| word.to_owned()).collect();
        let process = spawn(port, &folder, &more);
        let server = Self { port, folder, more, process };
        server.answering().await;
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The port by which a cluster's nodes speak with each other.
    pub(crate) fn cluster_port(&self) -> &str {
        let at = self.more.iter().position(|word| word == "--cluster-port");
        &self.more[at.expect("it is of a cluster") + 1]
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A sentinel over one primary, which it calls `bus`.
    pub(crate) async fn sentinel_of(primary: &Server) -> Self {
        let port = free_port();
        let path = primary.folder.join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor bus 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds bus 500\nsentinel failover-timeout bus 2000\n",
            primary.port
        );
        fs::write(&path, text).expect("its folder is there");
        let path = path.to_str().expect("it is text").to_owned();
        Self::start_on(port, &[&path, "--sentinel"]).await
    }

    /// With user and password.
    pub(crate) fn url_for(&self, login: &str) -> String {
        format!("redis://{login}@127.0.0.1:{}", self.port)
    }

    pub(crate) fn stop(&mut self) {
        end(&mut self.process);
    }

    /// Starts it once more on the same port, with nothing in it.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn(self.port, &self.folder, &self.more);
        self.answering().await;
    }

    /// What it answers to one command in a line.
    pub(crate) async fn say(&self, command: &str) -> String {
        self.try_say(command).await.expect("it answers")
    }

    /// Makes the cluster behind this prefix know the process since long ago.
    pub(crate) async fn settle(&self, prefix: &str) {
        let run = self.run().await;
        self.say(&format!("HSET {prefix}:{{logins}}:eras {run} 0")).await;
    }

    /// Its process and history, as logins know them.
    pub(crate) async fn run(&self) -> String {
        let about = self.say("INFO server replication").await;
        let field = |name: &str| {
            let found = about.lines().find_map(|line| line.strip_prefix(name));
            found.expect("it says so").trim().to_owned()
        };
        format!("{}/{}", field("run_id:"), field("master_replid:"))
    }

    /// Its process, to be stopped and continued.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn try_say(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
        // A sentinel does not know how to quit.
        stream.shutdown().await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn answering(&self) {
        let answering = async {
            // With TLS it says nothing that we understand, and is there all the same.
            while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(START_WAIT, answering).await.expect("redis-server starts");
    }

    /// Waits until it answers `command` with this in it.
    pub(crate) async fn comes_to_say(&self, command: &str, part: &str) {
        let saying = async {
            while !self.try_say(command).await.is_ok_and(|answer| answer.contains(part)) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(START_WAIT, saying).await.unwrap_or_else(|_| panic!("{command}: never {part}"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.process);
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Kills it: a stop in peace would take longer.
fn end(process: &mut Child) {
    process.kill().expect("it is our own child");
    process.wait().expect("it is our own child");
}

fn spawn(port: u16, folder: &Path, more: &[String]) -> Child {
    let port = port.to_string();
    let quiet = [
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--enable-debug-command",
        "local",
        "--port",
        &port,
    ];
    let is_sentinel = more.last().is_some_and(|word| word == "--sentinel");
    Command::new("redis-server")
        .args(if is_sentinel { &[] } else { &quiet[..] })
        .args(more)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed, as `cargo xtask test` sees to")
}

/// A port that is free, that no other test of this process is given, and that no connection which goes out
/// comes to have: those begin above.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another process begins elsewhere.
        let given = GIVEN.fetch_add(1, Ordering::Relaxed) + std::process::id() % PORTS * 977;
        let port = PORT_MIN + u16::try_from(given % PORTS).expect("it is below 20,000");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
