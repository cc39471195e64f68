//! A Redis of a test's own: on a free port of the loopback, in a folder of its own, gone with the test.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

const START_WAIT: Duration = Duration::from_secs(20);

/// A running `redis-server` that keeps nothing on disk.
pub(crate) struct Server {
    port: u16,
    folder: PathBuf,
    more: Vec<String>,
    process: Child,
}

impl Server {
    pub(crate) async fn start(more: &[&str]) -> Self {
        let port = free_port();
        let folder = env::temp_dir().join(format!("carillon-redis-{port}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder takes a folder");
        let more: Vec<_> = more.iter().map(|&word| word.to_owned()).collect();
        let process = spawn(port, &folder, &more);
        let server = Self { port, folder, more, process };
        server.answering().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// With user and password.
    pub(crate) fn url_for(&self, login: &str) -> String {
        format!("redis://{login}@127.0.0.1:{}", self.port)
    }

    pub(crate) async fn stop(&mut self) {
        self.process.kill().await.expect("it is our own child");
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
        let about = self.say("INFO server replication").await;
        let field = |name: &str| {
            let found = about.lines().find_map(|line| line.strip_prefix(name));
            found.expect("it says so").trim().to_owned()
        };
        let run = format!("{}/{}", field("run_id:"), field("master_replid:"));
        self.say(&format!("HSET {prefix}:{{logins}}:eras {run} 0")).await;
    }

    /// Its process, to be stopped and continued.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    async fn try_say(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn answering(&self) {
        let answering = async {
            while !self.try_say("PING").await.is_ok_and(|answer| !answer.is_empty()) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(START_WAIT, answering).await.expect("redis-server starts");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process is killed with its handle.
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn spawn(port: u16, folder: &PathBuf, more: &[String]) -> Child {
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
    Command::new("redis-server")
        .args(quiet)
        .arg("--dir")
        .arg(folder)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("redis-server is installed, as `cargo xtask test` sees to")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the loopback has a port");
    listener.local_addr().expect("it is bound").port()
}
