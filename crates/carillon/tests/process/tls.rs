//! TLS on either port, certificates that callers have to show, and the commands that speak it.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::harness::{DEADLINE, Ended, Node, carillon, within};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../notice/samples/progress.json");

/// Certificates of one authority, and of a stranger; gone when the test ends.
struct Papers(PathBuf);

impl Papers {
    fn new(name: &str) -> Self {
        let name = format!("papers-{name}-{}", std::process::id());
        let papers = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(&papers.0).unwrap();
        for authority in ["ours", "theirs"] {
            papers.issue(authority, "basicConstraints=critical,CA:TRUE", None);
        }
        papers.issue("node", "subjectAltName=IP:127.0.0.1", Some("ours"));
        papers.issue("caller", "extendedKeyUsage=clientAuth", Some("ours"));
        papers.issue("stranger", "extendedKeyUsage=clientAuth", Some("theirs"));
        papers
    }

    fn issue(&self, name: &str, extension: &str, by: Option<&str>) {
        let mut command = Command::new("openssl");
        command.current_dir(&self.0).stdin(Stdio::null()).stderr(Stdio::null());
        command.args(["req", "-x509", "-nodes", "-days", "30", "-subj", &format!("/CN={name}")]);
        command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.args(["-addext", extension]);
        if let Some(by) = by {
            command.args(["-CA", &format!("{by}.pem"), "-CAkey", &format!("{by}.key")]);
            command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        }
        command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]);
        assert!(command.status().unwrap().success(), "{name}");
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).to_str().unwrap().to_owned()
    }

    fn node(&self, more: &[&str]) -> Node {
        let set = |name: &str, file: &str| format!("{name}={}", self.path(file));
        let cert = set("internal.tls.cert", "node.pem");
        let key = set("internal.tls.key", "node.key");
        let mut node = Node::start("serve", &[&["--set", &cert, "--set", &key][..], more].concat());
        node.internal = node.internal.replace("http://", "https://");
        node
    }

    /// A node whose clients connect by TLS, and where they do.
    fn public(&self, more: &[&str]) -> (Node, String) {
        let cert = format!("public.tls.cert={}", self.path("node.pem"));
        let key = format!("public.tls.key={}", self.path("node.key"));
        let node = Node::start("serve", &[&["--set", &cert, "--set", &key][..], more].concat());
        let public = node.public.replace("http://", "https://");
        (node, public)
    }

    /// A proxy in front of a public port, that passes on what it gets behind an introduction.
    fn haproxy(&self, public: &str, version: &str) -> Front {
        let node = public.trim_start_matches("https://").trim_end_matches('/');
        let addr = {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap()
        };
        let settings = format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             listen front\n bind {addr}\n server node {node} source 127.0.0.2 {version}\n"
        );
        let file = self.path("haproxy.cfg");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f", &file]).stdin(Stdio::null()).stderr(Stdio::null());
        let front = Front(command.spawn().expect("apt-get install haproxy brings it"), addr);
        within(DEADLINE, move || while TcpStream::connect(addr).is_err() {});
        front
    }

    fn asking(&self) -> (Node, String) {
        fs::copy(self.path("ours.pem"), self.path("roots.pem")).unwrap();
        let roots = format!("internal.tls.client_ca={}", self.path("roots.pem"));
        (self.node(&["--set", &roots]), roots)
    }

    /// `publish` by whoever has this certificate.
    fn publish(&self, node: &Node, caller: Option<&str>) -> Ended {
        let shown = caller
            .map(|name| [self.path(&format!("{name}.pem")), self.path(&format!("{name}.key"))]);
        let ca = self.path("ours.pem");
        let mut args = vec!["publish", SAMPLE, "--to", &node.internal, "--ca", &ca];
        if let Some([cert, key]) = &shown {
            args.extend(["--cert", cert, "--key", key]);
        }
        carillon(&args)
    }
}

struct Front(Child, SocketAddr);

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_probe_trusts_the_certificates_that_it_is_given_by_whatever_name_and_no_others() {
    let papers = Papers::new("pinned");
    papers.issue("elsewhere", "subjectAltName=DNS:push.example.com", Some("ours"));
    let public = ["--set", &format!("public.tls.cert={}", papers.path("elsewhere.pem"))];
    let key = ["--set", &format!("public.tls.key={}", papers.path("elsewhere.key"))];
    let node = papers.node(&[public, key].concat());
    let clients = node.public.replace("http://", "https://");
    let probe = |pins: &[&str]| {
        let pins: Vec<_> = pins.iter().flat_map(|pin| ["--pin".into(), papers.path(pin)]).collect();
        let mut args = vec!["probe", "--url", &clients, "--to", &node.internal];
        args.extend(pins.iter().map(String::as_str));
        carillon(&args)
    };
    let probed = probe(&["elsewhere.pem", "node.pem"]);
    assert_eq!(probed.code, 0, "{}", probed.err);
    assert!(probed.out.contains("websocket: the notice came"), "{}", probed.out);
    let distrusting = probe(&["caller.pem", "node.pem"]);
    assert_eq!(distrusting.code, 1, "{}", distrusting.out);
    assert!(distrusting.err.contains("take a seat by polling"), "{}", distrusting.err);
}

#[test]
fn by_tls_a_command_hands_in_to_a_node_whose_root_it_trusts_and_to_no_other() {
    let papers = Papers::new("plain");
    let node = papers.node(&[]);
    let published = papers.publish(&node, None);
    assert_eq!(published.code, 0, "{}", published.err);
    let distrusting =
        carillon(&["dead", "list", "--to", &node.internal, "--ca", &papers.path("theirs.pem")]);
    assert_eq!(distrusting.code, 1, "{}", distrusting.out);
    let listed =
        carillon(&["dead", "list", "--to", &node.internal, "--ca", &papers.path("ours.pem")]);
    assert_eq!(listed.code, 0, "{}", listed.err);
}

#[test]
fn where_certificates_are_asked_for_who_shows_one_of_the_root_is_let_in() {
    let papers = Papers::new("asked");
    let (node, _) = papers.asking();
    let published = papers.publish(&node, Some("caller"));
    assert_eq!(published.code, 0, "{}", published.err);
}

#[test]
fn who_shows_none_is_told_so_and_who_shows_a_strangers_agrees_on_nothing() {
    let papers = Papers::new("refused");
    let (node, _) = papers.asking();
    let without = papers.publish(&node, None);
    assert_eq!(without.code, 1, "{}", without.out);
    assert!(without.err.contains("asks its callers for a certificate"), "{}", without.err);
    let stranger = papers.publish(&node, Some("stranger"));
    assert_eq!(stranger.code, 1, "{}", stranger.out);
    assert!(stranger.err.contains("connect to 127.0.0.1"), "{}", stranger.err);
}

#[test]
fn a_key_is_asked_for_beside_the_certificate() {
    let papers = Papers::new("both");
    let roots = format!("internal.tls.client_ca={}", papers.path("ours.pem"));
    let keys = "internal.api_keys=0123456789abcdef";
    let node = papers.node(&["--set", &roots, "--set", keys]);
    let without = papers.publish(&node, Some("caller"));
    assert_eq!(without.code, 1, "{}", without.out);
    assert!(without.err.contains("a key of internal.api_keys"), "{}", without.err);
}

#[test]
fn health_is_told_to_whoever_asks_and_the_node_finds_itself_healthy() {
    let papers = Papers::new("health");
    let (node, roots) = papers.asking();
    let cert = format!("internal.tls.cert={}", papers.path("node.pem"));
    let key = format!("internal.tls.key={}", papers.path("node.key"));
    let addr = node.internal.strip_prefix("https://").unwrap();
    let set = ["--set", &roots, "--set", &cert, "--set", &key, "--internal-addr", addr];
    let healthy = carillon(&[&["healthcheck"][..], &set].concat());
    assert_eq!(healthy.code, 0, "{}", healthy.err);
}

#[test]
fn roots_that_change_are_followed_and_who_had_the_old_one_is_let_in_no_more() {
    let papers = Papers::new("rotated");
    let (node, _) = papers.asking();
    assert_eq!(papers.publish(&node, Some("caller")).code, 0);
    fs::copy(papers.path("theirs.pem"), papers.path("new.pem")).unwrap();
    fs::rename(papers.path("new.pem"), papers.path("roots.pem")).unwrap();
    node.running.line_with("took new roots of clients");
    assert_eq!(papers.publish(&node, Some("caller")).code, 1);
    assert_eq!(papers.publish(&node, Some("stranger")).code, 0);
}

#[test]
fn what_clients_hear_by_tls_is_listened_to() {
    let papers = Papers::new("public");
    let (node, public) = papers.public(&[]);
    let distrusting =
        carillon(&["listen", "--url", &public, "--user", "5", "--ca", &papers.path("theirs.pem")]);
    assert_eq!(distrusting.code, 1, "{}", distrusting.out);
    let args = ["listen", "--url", &public, "--user", "5", "--ca", &papers.path("ours.pem")];
    let mut child = super::harness::command(&args).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let listener = super::harness::Running::of(child, out);
    let published = carillon(&["publish", SAMPLE, "--to", &node.internal]);
    assert_eq!(published.code, 0, "{}", published.err);
    listener.line_with("\"file.progress\"");
}

#[test]
fn a_probe_goes_by_tls_and_trusts_whom_it_is_told_to() {
    let papers = Papers::new("probed");
    let (node, public) = papers.public(&[]);
    let probe = |ca: &str| {
        let ca = papers.path(ca);
        carillon(&["probe", "--url", &public, "--to", &node.internal, "--ca", &ca])
    };
    let trusting = probe("ours.pem");
    assert_eq!(trusting.code, 0, "{}", trusting.err);
    for transport in ["polling: the notice came", "websocket: the notice came"] {
        assert!(trusting.out.contains(transport), "{}", trusting.out);
    }
    assert_eq!(probe("theirs.pem").code, 1);
}

#[test]
fn behind_a_proxy_that_passes_tls_on_the_introduction_comes_before_the_handshake() {
    let papers = Papers::new("introduced");
    let introduced = ["--set=public.proxy_protocol=true", "--set=public.trusted_proxies=127.0.0.2"];
    let (node, public) = papers.public(&introduced);
    for version in ["send-proxy", "send-proxy-v2"] {
        let front = papers.haproxy(&public, version);
        let (url, ca) = (format!("https://{}", front.1), papers.path("ours.pem"));
        let probed = carillon(&["probe", "--url", &url, "--to", &node.internal, "--ca", &ca]);
        assert_eq!(probed.code, 0, "{version}: {}", probed.err);
    }
}
