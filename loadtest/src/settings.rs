//! The command line: which servers, which scenario, how much of it. Bounds are checked here.

mod returns;

pub(crate) use self::returns::{Cut, Restart};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::{scenario::STORM_WAVE, target::Target};

/// Measures Carillon beside its peers: same clients, same publisher, one run.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Settings {
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// What is played.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Seats sockets, then leaves them in peace: CPU of a handshake, memory of a quiet socket.
    Idle(Idle),
    /// One message to every socket, at a steady rate or all at once: CPU and delay of a delivery.
    Fanout(Fanout),
    /// A notice of its own for every user, all in one call: CPU and delay of a notice.
    Users(Users),
    /// Notices handed in at one of two servers, clients at the other, Redis between: CPU and
    /// delay of a notice, paced and in a burst, and what a notice for nobody costs.
    Cluster(Cluster),
    /// One message to everyone, and then one to a single user, over nodes that share the clients: what each costs
    /// the nodes and Redis.
    Spread(Spread),
    /// Workers that report progress through the Redis stream of a pair: what reaches the pages,
    /// and what it takes.
    Tasks(Tasks),
    /// Clients that stand still beside good ones: what those lose by it, and whether the others go.
    Hostile(Hostile),
    /// Handshakes that a full node refuses, and handshakes that it accepts: CPU of each.
    Storm(Storm),
    /// Three nodes that are replaced one after the other while ends are handed in: what is lost, and how
    /// evenly and how soon clients come back.
    Restart(Restart),
    /// A node that is killed with all its clients: how soon these are back at the other and have what they
    /// missed, and what that one and its own clients have to bear.
    Cut(Cut),
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// A server to measure: carillon, node, centrifugo, stock, floor or ws, with its binary (of node and ws: their folder), or with
    /// its address for sockets, its address for messages, and its process: `ws=127.0.0.1:80,127.0.0.1:81,4711`.
    /// `carillon:old` names a second of a kind. Ratios are the first one's to each of the others.
    #[arg(long = "target", value_name = "NAME=PLACE", required = true)]
    pub(crate) targets: Vec<Target>,

    /// Times every server is measured, by turns. The median of each figure is reported.
    #[arg(long, default_value_t = 1, value_parser = bounded(1, 9))]
    pub(crate) rounds: usize,

    /// Also writes the report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Also draws the report into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,

    /// Leaves placing to the kernel, instead of server on core 0 and generator on core 1.
    #[arg(long)]
    pub(crate) no_pin: bool,

    /// Lets what the servers print through to stderr.
    #[arg(long)]
    pub(crate) server_output: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Clients of each server.
    #[arg(long, default_value_t = 4_000, value_parser = bounded(1, 19_000))]
    pub(crate) sockets: usize,

    /// Quiet time after the last socket is seated, before memory is read again.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    pub(crate) settle_seconds: u64,

    /// Clients come by TLS.
    #[arg(long)]
    pub(crate) tls: bool,

    /// Clients come by polling and change over, as stock clients do by default.
    #[arg(long, conflicts_with = "tls")]
    pub(crate) upgrade: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fanout {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Clients of each server.
    #[arg(long, default_value_t = 4_000, value_parser = bounded(1, 19_000))]
    pub(crate) sockets: usize,

    /// Publishes this many as fast as they are taken instead, once the rate has warmed up the server.
    #[arg(long, value_name = "MESSAGES", value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) burst: Option<u32>,

    /// Messages a second.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) rate: u32,

    /// Length of the measured part, after a warm-up of one second.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,

    /// Size of a message's data, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(64, 65_536))]
    pub(crate) bytes: usize,

    /// Quiet time after the last delivery, before memory is read again.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    pub(crate) settle_seconds: u64,

    /// Clients come by TLS.
    #[arg(long)]
    pub(crate) tls: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Users {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Clients, each a user of its own. As many notices are in each call.
    #[arg(long, default_value_t = 10_000, value_parser = bounded(1, 10_000))]
    pub(crate) sockets: usize,

    /// Calls that are measured, after one that is not.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) times: u32,

    /// Size of a notice's data, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(160, 512))]
    pub(crate) bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Cluster {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Clients, each a user of its own.
    #[arg(long, default_value_t = 500, value_parser = bounded(1, 19_000))]
    pub(crate) users: usize,

    /// Notices of each burst, to the users by turns.
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) notices: u32,

    /// Connections that hand notices in. In a burst each waits for its answer.
    #[arg(long, default_value_t = 16, value_parser = bounded(1, 256))]
    pub(crate) connections: usize,

    /// Notices a second of the paced part.
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..=20_000))]
    pub(crate) rate: u32,

    /// Length of the paced part, after a warm-up of one second.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,

    /// Notices for users who are not there, handed in at the paced rate.
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) absent: u32,

    /// Size of a notice's data, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(160, 65_536))]
    pub(crate) bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Spread {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Nodes, which have the clients by turns.
    #[arg(long, default_value_t = 3, value_parser = bounded(1, 8))]
    pub(crate) nodes: usize,

    /// Clients in all, each a user of its own.
    #[arg(long, default_value_t = 4_000, value_parser = bounded(1, 19_000))]
    pub(crate) sockets: usize,

    /// Messages a second to everyone.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) rate: u32,

    /// Messages a second to single users, by turns.
    #[arg(long, default_value_t = 500, value_parser = value_parser!(u32).range(1..=20_000))]
    pub(crate) single_rate: u32,

    /// Length of each measured part, after a warm-up of one second.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=60))]
    pub(crate) seconds: u32,

    /// Size of a message's data, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(64, 65_536))]
    pub(crate) bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Tasks {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Clients, each a user of its own, who have the tasks by turns.
    #[arg(long, default_value_t = 500, value_parser = bounded(1, 19_000))]
    pub(crate) users: usize,

    /// Tasks that run at once.
    #[arg(
        long = "tasks",
        default_value_t = 2_000,
        value_parser = value_parser!(u32).range(1..=10_000)
    )]
    pub(crate) at_once: u32,

    /// Progress messages a second of each task.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) rate: u32,

    /// How long the tasks run before each ends.
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u32).range(1..=300))]
    pub(crate) seconds: u32,

    /// Size of a message, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(160, 65_536))]
    pub(crate) bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Hostile {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Good clients, each a user of its own.
    #[arg(long, default_value_t = 2_000, value_parser = bounded(1, 9_000))]
    pub(crate) good: usize,

    /// Clients that read nothing once they have their place.
    #[arg(long, default_value_t = 2_000, value_parser = bounded(1, 9_000))]
    pub(crate) still: usize,

    /// Notices a second to the good ones, by turns.
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=20_000))]
    pub(crate) rate: u32,

    /// Length of each measured part; less than `--stall`, so that all who stand still are there.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=60))]
    pub(crate) seconds: u32,

    /// The node's `limits.stall`, in seconds.
    #[arg(long, default_value_t = 15, value_parser = value_parser!(u32).range(1..=120))]
    pub(crate) stall: u32,

    /// Size of a notice's data, as JSON.
    #[arg(long, default_value_t = 256, value_parser = bounded(160, 65_536))]
    pub(crate) bytes: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Storm {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Handshakes that end in a seat.
    #[arg(long, default_value_t = 20_000, value_parser = bounded(1, 1_000_000))]
    pub(crate) accepted: usize,

    /// Handshakes that find the node full.
    #[arg(long, default_value_t = 20_000, value_parser = bounded(1, 1_000_000))]
    pub(crate) refused: usize,
}

impl Scenario {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::Idle(idle) => &idle.common,
            Self::Fanout(fanout) => &fanout.common,
            Self::Users(users) => &users.common,
            Self::Cluster(cluster) => &cluster.common,
            Self::Spread(spread) => &spread.common,
            Self::Tasks(tasks) => &tasks.common,
            Self::Hostile(hostile) => &hostile.common,
            Self::Storm(storm) => &storm.common,
            Self::Restart(restart) => &restart.common,
            Self::Cut(cut) => &cut.common,
        }
    }

    /// As reports call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Idle(_) => "idle",
            Self::Fanout(_) => "fanout",
            Self::Users(_) => "users",
            Self::Cluster(_) => "cluster",
            Self::Spread(_) => "spread",
            Self::Tasks(_) => "tasks",
            Self::Hostile(_) => "hostile",
            Self::Storm(_) => "storm",
            Self::Restart(_) => "restart",
            Self::Cut(_) => "cut",
        }
    }

    /// How many clients there are at once.
    pub(crate) fn sockets(&self) -> usize {
        match self {
            Self::Idle(idle) => idle.sockets,
            Self::Fanout(fanout) => fanout.sockets,
            Self::Users(users) => users.sockets,
            Self::Cluster(cluster) => cluster.users,
            Self::Spread(spread) => spread.sockets,
            Self::Tasks(tasks) => tasks.users,
            Self::Hostile(hostile) => hostile.good + hostile.still,
            Self::Storm(storm) => storm.accepted.min(STORM_WAVE),
            Self::Restart(restart) => restart.sockets,
            Self::Cut(cut) => cut.sockets + cut.others,
        }
    }
}

impl Tasks {
    /// All progress, and an end for each task.
    pub(crate) fn messages(&self) -> u32 {
        self.at_once * (self.rate * self.seconds + 1)
    }
}

fn bounded(low: u64, high: u64) -> impl clap::builder::TypedValueParser<Value = usize> {
    use clap::builder::TypedValueParser as _;
    value_parser!(u64)
        .range(low..=high)
        .map(|value| usize::try_from(value).expect("the ranges above fit in 32 bits"))
}
