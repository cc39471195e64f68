//! The node that is attacked: the binary with auth on, whose every word is kept.

use std::{fs, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    guest::request,
    mint::Mint,
    record,
    server::Server,
    wire::{DEADLINE, Wire},
};

/// The key of the internal port. It can be recognised wherever it turns up.
const KEY: &str = "the-secret-of-the-hostile-tests";

/// What tokens are checked with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keys {
    /// One public RSA key, an issuer and an audience.
    One,
    /// A set of a curve and a secret.
    Set,
}

pub(crate) struct Node {
    pub(crate) public: String,
    pub(crate) mint: Mint,
    pub(crate) keys: Keys,
    internal: String,
    log: Arc<Mutex<Vec<String>>>,
    folder: PathBuf,
    _child: Child,
    _reading: JoinSet<()>,
    _redis: Server,
}

impl Node {
    pub(crate) async fn start(keys: Keys) -> Self {
        let mint = Mint::new();
        let redis = Server::start(&[]).await;
        let folder = std::env::temp_dir().join(format!("carillon-hostile-{}", redis.port()));
        fs::create_dir_all(&folder).unwrap();
        let mut child = command(keys, &mint, &folder, &redis.url()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut reading = JoinSet::new();
        reading.spawn(keep(child.stderr.take().unwrap(), Arc::clone(&log)));
        let mut node = Self {
            public: String::new(),
            internal: String::new(),
            mint,
            keys,
            log,
            folder,
            _child: child,
            _reading: reading,
            _redis: redis,
        };
        let started = node.has_said("node started").await;
        let started: serde_json::Value = serde_json::from_str(&started).unwrap();
        let addr = |name: &str| started[name].as_str().unwrap().to_owned();
        (node.public, node.internal) = (addr("public.addr"), addr("internal.addr"));
        node
    }

    async fn has_said(&self, words: &str) -> String {
        let said = async {
            loop {
                let found = self.log.lock().iter().find(|line| line.contains(words)).cloned();
                match found {
                    Some(line) => return line,
                    None => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let said = timeout(DEADLINE, said).await;
        said.unwrap_or_else(|_| panic!("it never said {words:?}: {:#?}", self.log.lock()))
    }

    /// None of it was worth a warning, and no line holds any of `secrets`.
    pub(crate) fn has_kept_quiet(&self, secrets: &[Vec<u8>]) {
        let log = self.log.lock();
        for line in log.iter() {
            let loud = ["\"WARN\"", "\"ERROR\"", "panicked"].iter().any(|word| line.contains(word));
            assert!(!loud, "{line}");
            let told = |secret: &&Vec<u8>| {
                secret.len() > 16 && line.contains(&*String::from_utf8_lossy(secret))
            };
            let told = secrets.iter().find(told);
            assert!(told.is_none() && !line.contains("-secret"), "it tells a secret: {line}");
        }
        assert!(log.len() > 10, "does it still log at trace?");
    }

    /// Waits until a user has so many sockets.
    pub(crate) async fn is_seated(&self, user: &str, sockets: usize) -> Result<(), String> {
        let seated = async {
            while self.seats(user).await? != sockets {
                sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        let seated = timeout(DEADLINE, seated).await;
        seated.unwrap_or_else(|_| Err(format!("never had {user} {sockets} sockets")))
    }

    async fn seats(&self, user: &str) -> Result<usize, String> {
        let listed = self.ask("GET", &format!("/v1/sockets?user={user}"), "").await?;
        Ok(listed.matches("\"user\":").count())
    }

    pub(crate) async fn hand_in(&self, message: &str) -> Result<(), String> {
        self.ask("POST", "/v1/tasks", message).await.map(drop)
    }

    async fn ask(&self, method: &str, target: &str, body: &str) -> Result<String, String> {
        let mut wire = Wire::open(&self.internal).await;
        let head = format!("x-api-key: {KEY}\r\ncontent-length: {}\r\n", body.len());
        wire.send(format!("{}{body}", request(method, target, &head)).as_bytes()).await;
        let answer = wire.answer().await?;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status < 300 { Ok(said) } else { Err(format!("{} {said}", answer.status)) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn command(keys: Keys, mint: &Mint, folder: &std::path::Path, redis: &str) -> Command {
    let file = folder.join("keys");
    let api_keys = format!("hostile:publish+read+admin:{KEY}");
    let path = file.display().to_string();
    let mut settings = vec![
        ("public.addr", "127.0.0.1:0"),
        ("internal.addr", "127.0.0.1:0"),
        ("internal.api_keys", &api_keys),
        ("redis.url", redis),
        ("auth.mode", "token"),
        ("auth.issuers", "https://id.test"),
        ("auth.audiences", "carillon"),
        ("auth.leeway", "0s"),
        ("limits.payload_bytes", "65536"),
        ("limits.handshake", "3s"),
        ("uplink.stream", "uplink"),
        ("uplink.relay", "chat:*"),
        ("telemetry.log", "trace"),
        ("telemetry.log_format", "json"),
    ];
    match keys {
        Keys::One => {
            fs::write(&file, mint.public_key()).unwrap();
            settings.push(("auth.key", &path));
        }
        Keys::Set => {
            fs::write(&file, mint.key_set()).unwrap();
            settings.push(("auth.jwks", &path));
        }
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
    command.arg("serve").env_clear().kill_on_drop(true);
    for (name, value) in settings {
        command.arg("--set").arg(format!("{name}={value}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

async fn keep(words: ChildStderr, log: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(words).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        record::line("hostile", &line);
        log.lock().push(line);
    }
}
