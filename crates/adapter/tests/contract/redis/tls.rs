//! The bus over TLS, with certificates that are made here.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use adapter::{ConnectError, Pem, Redis, RedisConfig, RedisTls};
use prometheus::Registry;

use super::{OverRedis, Running, connect};
use crate::{
    drafts::{audience, end, now},
    server::{Server, free_port},
    subject::Subject,
};

/// A Redis that speaks TLS only and wants to know who comes, and a folder of papers.
struct Private {
    server: Server,
    papers: Papers,
}

struct Papers(PathBuf);

impl Drop for Papers {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

impl Papers {
    /// Two authorities, and papers by the first for the server and for us.
    fn new(port: u16) -> Self {
        let papers =
            Self(env::temp_dir().join(format!("carillon-tls-{port}-{}", std::process::id())));
        fs::create_dir_all(&papers.0).expect("the temporary folder takes a folder");
        for name in ["ca", "other"] {
            papers.issue(name, "CA:TRUE", None);
        }
        for name in ["server", "client"] {
            papers.issue(name, "CA:FALSE", Some("ca"));
        }
        papers
    }

    fn issue(&self, name: &str, constraint: &str, by: Option<&str>) {
        let text = format!("basicConstraints=critical,{constraint}");
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        let mut command = Command::new("openssl");
        command.current_dir(&self.0).stdin(Stdio::null()).stderr(Stdio::null());
        command.args(["req", "-x509", "-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
        command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", &text]);
        command.args(["-keyout", &key, "-out", &certificate]);
        if let Some(by) = by {
            command.args(["-CA", &format!("{by}.pem"), "-CAkey", &format!("{by}.key")]);
        }
        assert!(command.status().expect("openssl is installed").success(), "{name}");
    }

    fn file(&self, name: &str) -> Pem {
        Pem::File(self.0.join(name))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is text")
}

impl Private {
    async fn start() -> Self {
        let port = free_port();
        let papers = Papers::new(port);
        let path = |name: &str| papers.0.join(name);
        let (cert, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
        let words = ["--port", "0", "--tls-port", &port.to_string()];
        let files = ["--tls-cert-file", text(&cert), "--tls-key-file", text(&key)];
        let words = [&words[..], &files, &["--tls-ca-cert-file", text(&ca)]].concat();
        Self { server: Server::start_on(port, &words).await, papers }
    }

    fn config(&self, tls: RedisTls) -> RedisConfig {
        let url = self.server.url().replace("redis://", "rediss://");
        RedisConfig { tls: Some(tls), ..RedisConfig::new(url, "carillon", OverRedis::config()) }
    }

    fn tls(&self) -> RedisTls {
        let identity = Some((self.papers.file("client.pem"), self.papers.file("client.key")));
        RedisTls { ca: Some(self.papers.file("ca.pem")), identity }
    }

    async fn refusal(&self, tls: RedisTls) -> ConnectError {
        Redis::connect(self.config(tls), &Registry::new()).await.expect_err("these will not do")
    }
}

#[tokio::test]
async fn with_the_right_papers_the_bus_is_as_any_other() {
    let private = Private::start().await;
    let bus = Running::start(private.config(private.tls())).await;
    let mut node = bus.link().await;
    node.enter(&audience()).await;
    node.accepted(end("copy", now(), "end")).await;
    assert_eq!(node.hear_texts(1).await, ["end"]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_what_it_is() {
    let private = Private::start().await;
    let ca = Some(private.papers.file("other.pem"));
    let error = private.refusal(RedisTls { ca, ..private.tls() }).await;
    assert!(matches!(error, ConnectError::Tls { .. }), "another ca: {error}");
    assert!(error.to_string().contains("signed by a root"), "{error}");

    let error = private.refusal(RedisTls { identity: None, ..private.tls() }).await;
    assert!(error.to_string().contains("hint"), "no papers of ours: {error}");

    let ca = Some(private.papers.file("nowhere.pem"));
    let error = private.refusal(RedisTls { ca, ..private.tls() }).await;
    assert!(matches!(error, ConnectError::Certificates { .. }), "no such file: {error}");

    let ca = Some(private.papers.file("ca.key"));
    let error = private.refusal(RedisTls { ca, ..private.tls() }).await;
    assert!(error.to_string().contains("BEGIN CERTIFICATE"), "a key for a ca: {error}");
}

#[tokio::test]
async fn a_plain_way_to_a_private_port_and_the_other_way_round_are_refused_with_a_hint() {
    let private = Private::start().await;
    let plain = connect(private.server.url(), OverRedis::config(), &Registry::new()).await;
    let error = plain.expect_err("it wants tls");
    assert!(error.to_string().contains("If it wants tls"), "{error}");

    let server = Server::start(&[]).await;
    let url = server.url().replace("redis://", "rediss://");
    let config = RedisConfig { url, ..private.config(private.tls()) };
    let error = Redis::connect(config, &Registry::new()).await.expect_err("it has no tls");
    assert!(error.to_string().contains("tls port"), "{error}");
}
