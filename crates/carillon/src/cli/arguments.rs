//! The commands and their arguments, and the help that teaches them.

mod examples;

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use ingest::DeadLetterId;
use notice::{NameError, RoomPattern, RoomPatternError, UserId};

use self::examples::{
    CHECK, CONFIG, DEAD, DEMO, DOCTOR, EXAMPLES, EXPLAIN, HEALTHCHECK, LISTEN, PROBE, PUBLISH,
    SOURCES, TOKEN,
};
use crate::settings::{self, Flag, Sources, manual};

/// Carries task progress, and above all its end, from workers to the pages that wait for it.
#[derive(Debug, Parser)]
#[command(name = "carillon", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a node (what `carillon` alone does)
    Serve(SettingFlags),
    /// Run a node with a page to look at, and a worker that copies folders for user 5
    #[command(after_help = DEMO)]
    Demo(SettingFlags),
    /// Hand in worker messages: one, an array, or NDJSON
    #[command(after_help = PUBLISH)]
    Publish(PublishArgs),
    /// What no node could use: look through it, hand it in again, let it go
    #[command(subcommand, after_help = DEAD)]
    Dead(DeadCommand),
    /// Print what a user receives, a JSON line each
    #[command(after_help = LISTEN)]
    Listen(ListenArgs),
    /// Say what each worker message becomes, or why it is refused
    #[command(after_help = EXPLAIN)]
    Explain(ExplainArgs),
    /// Sign a token with the configured key (auth.key)
    #[command(after_help = TOKEN)]
    Token(TokenArgs),
    /// Load the settings and report every mistake
    #[command(after_help = CHECK)]
    Check(SettingFlags),
    /// Print the settings in force and where each came from, secrets masked
    #[command(after_help = CONFIG)]
    Config(SettingFlags),
    /// Look at what a node needs from this machine and from Redis, and at nodes that run; say what to do
    #[command(after_help = DOCTOR)]
    Doctor(DoctorArgs),
    /// Ask the node of these settings whether it takes clients; ends with 1 if not
    #[command(after_help = HEALTHCHECK)]
    Healthcheck(HealthArgs),
    /// Hand in a task, and wait for its notice by polling and by WebSocket
    #[command(after_help = PROBE)]
    Probe(ProbeArgs),
}

#[derive(Args, Clone, Debug)]
pub(super) struct SettingFlags {
    /// The settings file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, such as drain.grace=10s; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    set: Vec<(String, String)>,
    /// public.addr: where clients connect
    #[arg(long, value_name = "IP:PORT")]
    public_addr: Option<String>,
    /// internal.addr: where the API, metrics and health are
    #[arg(long, value_name = "IP:PORT")]
    internal_addr: Option<String>,
    /// roles: what this process does, of gateway and ingest
    #[arg(long, value_name = "ROLES")]
    roles: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct PublishArgs {
    /// Where the messages are; - is standard input
    #[arg(default_value = "-")]
    pub(super) file: PathBuf,
    /// A node's internal address, such as `http://127.0.0.1:8001`, or a Redis, such as
    /// `redis://127.0.0.1:6379`
    #[arg(long, value_name = "URL")]
    pub(super) to: String,
    /// What stands in front of the stream's name in Redis; `redis.prefix` without it
    #[arg(long, value_name = "WORD")]
    pub(super) prefix: Option<String>,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
}

/// Where a node speaks TLS.
#[derive(Args, Clone, Debug)]
pub(super) struct TlsArgs {
    /// The roots that https:// trusts, PEM; this machine's without it
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// A certificate that https:// trusts by whatever name its node is reached, PEM; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with = "ca")]
    pub(super) pin: Vec<PathBuf>,
    /// The certificate to show to the node, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(super) key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeadCommand {
    /// Show dead letters, newest first
    #[command(after_help = DEAD)]
    List(DeadList),
    /// Hand dead letters in again, as new messages
    #[command(after_help = DEAD)]
    Replay(DeadWhich),
    /// Let dead letters go for good
    #[command(after_help = DEAD)]
    Drop(DeadWhich),
}

#[derive(Args, Debug)]
pub(super) struct DeadList {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) limit: usize,
    /// Only those older than this letter
    #[arg(long, value_name = "ID")]
    pub(super) before: Option<DeadLetterId>,
    #[command(flatten)]
    pub(super) at: DeadAt,
}

#[derive(Args, Debug)]
pub(super) struct DeadWhich {
    #[command(flatten)]
    pub(super) which: OneOrAll,
    #[command(flatten)]
    pub(super) at: DeadAt,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct OneOrAll {
    /// The letter's id, as `carillon dead list` shows it
    pub(super) id: Option<DeadLetterId>,
    /// All that there are
    #[arg(long)]
    pub(super) all: bool,
}

#[derive(Args, Debug)]
pub(super) struct DeadAt {
    /// A Redis, or a node's internal address
    #[arg(long, value_name = "URL")]
    pub(super) to: Option<String>,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Args, Debug)]
pub(super) struct ListenArgs {
    /// The node's public address, such as `http://127.0.0.1:8000` or `https://push.example.com`
    #[arg(long, value_name = "URL")]
    pub(super) url: String,
    /// Whose notices
    #[arg(long, value_name = "ID")]
    pub(super) user: String,
    /// Where the user's pages listen
    #[arg(long, value_name = "NAME", default_value = "/notice")]
    pub(super) namespace: String,
    /// The last id that was seen, or one for each audience joined by commas
    #[arg(long, value_name = "CURSOR")]
    pub(super) since: Option<String>,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
}

#[derive(Args, Debug)]
pub(super) struct TokenArgs {
    /// Whom the token is for
    #[arg(long, value_name = "ID", value_parser = user)]
    pub(super) user: UserId,
    /// For how long, from now
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = settings::lasting)]
    pub(super) ttl: Duration,
    /// A room that it opens, or the beginning of names and a *; may be repeated
    #[arg(long, value_name = "ROOM", value_parser = room)]
    pub(super) room: Vec<RoomPattern>,
    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// A node that runs, by its internal address such as `http://127.0.0.1:8001`; may be repeated, and then they
    /// should agree. A key of its API comes from the environment, `CARILLON_API_KEY`
    #[arg(long, value_name = "URL")]
    pub(super) node: Vec<String>,
    /// Where clients connect, such as `https://push.example.com`: do all requests of a session find it?
    #[arg(long, value_name = "URL")]
    pub(super) front: Option<String>,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Args, Debug)]
pub(super) struct HealthArgs {
    /// Ask whether its process lives, and no more
    #[arg(long)]
    pub(super) live: bool,
    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

#[derive(Args, Debug)]
pub(super) struct ProbeArgs {
    /// Where clients connect, such as `http://127.0.0.1:8000`
    #[arg(long, value_name = "URL")]
    pub(super) url: String,
    /// Where workers hand in: a node's internal address, such as `http://127.0.0.1:8001`
    #[arg(long, value_name = "URL")]
    pub(super) to: String,
    /// Whose task it is
    #[arg(long, value_name = "ID", default_value = "carillon-probe")]
    pub(super) user: String,
    /// The path of Socket.IO, as public.path has it
    #[arg(long, value_name = "PATH", default_value = "/socket.io/")]
    pub(super) path: String,
    /// How long all of it may take
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
    pub(super) within: Duration,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
}

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// Where the messages are; - is standard input
    #[arg(default_value = "-")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) settings: SettingFlags,
}

pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let help = format!("{SOURCES}\n{}", manual());
    let command = Cli::command().mut_subcommand("serve", |it| {
        it.after_help("--help tells of every setting.").after_long_help(help)
    });
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

impl SettingFlags {
    pub(super) fn into_sources(self, environment: BTreeMap<String, String>) -> Sources {
        let flag = |flag: &str, name: &str, value| Flag {
            flag: flag.to_owned(),
            name: name.to_owned(),
            value,
        };
        let set = self.set.into_iter().map(|(name, value)| flag("--set", &name, value));
        let named = [
            self.public_addr.map(|value| flag("--public-addr", "public.addr", value)),
            self.internal_addr.map(|value| flag("--internal-addr", "internal.addr", value)),
            self.roles.map(|value| flag("--roles", "roles", value)),
        ];
        let flags = set.chain(named.into_iter().flatten()).collect();
        Sources { environment, file: self.config, flags }
    }
}

fn user(text: &str) -> Result<UserId, NameError> {
    UserId::new(text)
}

fn room(text: &str) -> Result<RoomPattern, RoomPatternError> {
    RoomPattern::new(text)
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it like public.addr=127.0.0.1:8000")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
