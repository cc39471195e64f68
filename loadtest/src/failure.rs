//! Why a run could not be finished, said so that whoever started it can put it right.

use std::{error::Error, io, net::SocketAddr, path::PathBuf, time::Duration};

use thiserror::Error;

/// What ended the run. Nothing is retried: a figure from half a run would mislead.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(
        "start {binary}\nhint: build it first; setpriv and taskset, which start it, are in util-linux"
    )]
    Start { binary: PathBuf, source: io::Error },

    #[error("wait for {target}: it ended at once\nhint: --server-output shows what it said")]
    EndedEarly { target: String },

    #[error("wait for {target} on {address}: not listening after {waited:?}")]
    NotListening { target: String, address: SocketAddr, waited: Duration },

    #[error("stop {target}: still there {waited:?} after SIGTERM, so it was killed")]
    NotStopping { target: String, waited: Duration },

    #[error("read {path}")]
    Probe { path: PathBuf, source: io::Error },

    #[error("read {field} from {path}")]
    ProbeField { field: &'static str, path: PathBuf },

    #[error("pin to core {core}\nhint: --no-pin runs without pinning, and compares less well")]
    Pin { core: usize, source: io::Error },

    #[error(
        "open {sockets} sockets: this process may hold {files} files\nhint: raise it with `ulimit -n`"
    )]
    Files { sockets: usize, files: u64 },

    #[error("{sockets} sockets times {messages} messages is more than {deliveries_max} deliveries")]
    TooMuch { sockets: usize, messages: u32, deliveries_max: usize },

    #[error("connect socket {number} to {address}")]
    Connect { number: usize, address: SocketAddr, source: io::Error },

    #[error("seat socket {number}: the server said: {said}")]
    Refused { number: usize, said: String },

    #[error("seat {sockets} sockets: {seated} were seated within {waited:?}")]
    SeatedTooFew { sockets: usize, seated: usize, waited: Duration },

    #[error("publish: the server answered {status}: {body}")]
    Publish { status: u16, body: String },

    #[error("publish: the server closed the connection")]
    PublisherGone,

    #[error("publish: {bytes} bytes of requests wait unread, so the server is behind the rate")]
    PublisherBehind { bytes: usize },

    #[error("hand in: Redis answered: {said}")]
    HandIn { said: String },

    #[error("install what {folder} needs\nhint: the Node peer needs node and npm")]
    Install { folder: PathBuf, source: io::Error },

    #[error("make a certificate\nhint: openssl makes it")]
    Certificate(#[source] io::Error),

    #[error("speak TLS to {target}\nhint: only carillon and node are started with a certificate")]
    NoTls { target: String },

    #[error(
        "have the generator keep up with {target}: it would be busy for {percent:.0} % of its core, and delays would be its own\nhint: take fewer --sockets or a lower --rate"
    )]
    GeneratorBusy { target: String, percent: f64 },

    #[error(
        "play a pair of {target}\nhint: a pair is of carillon, node or centrifugo, by their path"
    )]
    NoPair { target: String },

    #[error("spread sockets over nodes of {target}\nhint: nodes are of carillon or of node")]
    NoSpread { target: String },

    #[error(
        "tell each user of {target} something\nhint: a user is known to carillon, node, centrifugo and floor"
    )]
    NoUsers { target: String },

    #[error("play tasks to {target}\nhint: only carillon knows what a task is")]
    NoTasks { target: String },

    #[error(
        "hold {target} to its limits\nhint: only carillon has settings for them, if it is started here"
    )]
    NoLimits { target: String },

    #[error("be refused by a full node: handshake {number} was answered {said:?}")]
    NotRefused { number: usize, said: String },

    #[error("cut {sockets} sockets: {away} heard that their server was gone")]
    NotCut { sockets: usize, away: usize },

    #[error("wait for {target} to read the stream: it has no consumer group after {waited:?}")]
    NoGroup { target: String, waited: Duration },

    #[error("ask Redis")]
    Redis(#[source] io::Error),

    #[error("ask {address} for its metrics")]
    Metrics { address: SocketAddr, source: io::Error },

    #[error("count the bytes of a connection\nhint: ss, which counts them, is in iproute2")]
    Traffic(#[source] io::Error),

    #[error("wait for sockets")]
    Wait(#[source] io::Error),

    #[error("write {path}")]
    Report { path: PathBuf, source: io::Error },

    #[error("print the report")]
    Print(#[source] io::Error),
}

impl Failure {
    /// The whole chain on one line, its hint after it.
    pub(crate) fn chain(&self) -> String {
        let said = self.to_string();
        let (what, hint) = said.split_once('\n').unwrap_or((&said, ""));
        let mut line = format!("failed to {what}");
        let mut source = self.source();
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        if !hint.is_empty() {
            line.push('\n');
            line.push_str(hint);
        }
        line
    }
}
