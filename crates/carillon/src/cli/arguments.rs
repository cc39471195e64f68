//! The commands and their arguments, and the help that teaches them.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use ingest::DeadLetterId;
use notice::{NameError, RoomPattern, RoomPatternError, UserId};

use crate::settings::{Flag, Sources, manual};

#[cfg(test)]
mod tests;

/// Where a node on this machine serves clients, unless it is told otherwise.
const PUBLIC: &str = "http://127.0.0.1:8000";
/// And where it serves workers and operators.
const INTERNAL: &str = "http://127.0.0.1:8001";

const EXAMPLES: &str = "\
Examples:
  carillon demo                              see it: a page, and tasks that move on it
  carillon                                   a node on 127.0.0.1:8000, its API on 127.0.0.1:8001
  carillon serve --config carillon.toml      the same, by a settings file
  carillon publish tasks.ndjson --to http://127.0.0.1:8001
  carillon dead list                         what no node could use, and why
  carillon listen --user 5                   what a page of that user gets
  carillon explain message.json              what a worker's message becomes, or why it is refused

Exit codes: 0 stopped as asked, 64 bad settings or arguments, 1 failed.";

const PUBLISH_EXAMPLES: &str = "\
Examples:
  carillon publish message.json --to http://127.0.0.1:8001
  carillon publish tasks.ndjson --to http://127.0.0.1:8001
  worker | carillon publish - --to http://127.0.0.1:8001
  carillon publish tasks.ndjson --to redis://127.0.0.1:6379

FILE holds one JSON message, an array of them, or one on each line (NDJSON).
Over http a node answers what became of each; a key of its API comes from the environment,
CARILLON_API_KEY. Into Redis (redis, redis-sentinel, redis-cluster, or the same with rediss)
messages are added to the stream that nodes read, once they were seen to be well-formed. Which
roots rediss trusts is a setting: CARILLON_REDIS__TLS__CA.
Ends with 1 if a message is refused.";

const LISTEN_EXAMPLES: &str = "\
Examples:
  carillon listen --user 5
  carillon listen --user 5 --since 'user:5@/notice:k3x9-41'
  carillon listen --url https://push.example.com --user 5 --ca ca.crt

Each line is {\"event\",\"args\",\"id\"}; the id of the last one is the next --since.
Where clients need a token, it comes from the environment: CARILLON_TOKEN.
Ends with 0 on ctrl-c, and with 1 when the server ends.";

const DEAD_EXAMPLES: &str = "\
A dead letter is a message that no node could use as it stands: it is no JSON, names no user,
has no event, or could not be published however often it was tried. It is kept for you.

Examples:
  carillon dead list                                    the latest 20, newest first
  carillon dead list --to redis://127.0.0.1:6379 | jq -r .json
  carillon dead replay 1763683200000-0                  hand one in again, as a new message
  carillon dead replay --all                            all, after what was wrong was mended
  carillon dead drop --all --to http://127.0.0.1:8001

A list is a table on a terminal, and a JSON line for each letter in a pipe.
Without --to they are looked for in the Redis of the settings (redis.url), or else asked of the
node on 127.0.0.1:8001. A key of its API comes from the environment: CARILLON_API_KEY.
What is replayed and still cannot be used is a dead letter again, under another id.";

const TOKEN_EXAMPLES: &str = "\
Examples:
  carillon token --user 5
  carillon token --user 5 --ttl 10m --room 456 --room 'chat:*'
  io('http://127.0.0.1:8000/notice', { auth: { token } })     in the page

The key is auth.key of the settings: a secret, or a private key as PEM. The first of auth.issuers
and of auth.audiences is named in the token. Whoever has the key can sign for any user.";

const PROBE_EXAMPLES: &str = "\
Examples:
  carillon probe
  carillon probe --url https://push.example.com --to http://10.0.0.7:8001
  CARILLON_TOKEN=\"$(carillon token --user carillon-probe)\" carillon probe

A key of the API comes from the environment, CARILLON_API_KEY; and so does, where auth asks for one,
a token of --user: CARILLON_TOKEN. Ends with 1 when a notice does not come in time.";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  carillon explain message.json
  worker | carillon explain -

Sends nothing. Exits with 1 if a message is refused.";

const SOURCES: &str = "\
Settings come from a TOML file, then the environment, then flags; the last one wins:
  [public]
  addr = \"127.0.0.1:9000\"                    in the file of --config or CARILLON_CONFIG
  CARILLON_PUBLIC__ADDR=127.0.0.1:9000       in the environment
  --set public.addr=127.0.0.1:9000           as a flag, or --public-addr 127.0.0.1:9000
";

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
    Demo(SettingFlags),
    /// Hand in worker messages: one, an array, or NDJSON
    #[command(after_help = PUBLISH_EXAMPLES)]
    Publish(PublishArgs),
    /// What no node could use: look through it, hand it in again, let it go
    #[command(subcommand, after_help = DEAD_EXAMPLES)]
    Dead(DeadCommand),
    /// Print what a user receives, a JSON line each
    #[command(after_help = LISTEN_EXAMPLES)]
    Listen(ListenArgs),
    /// Say what each worker message becomes, or why it is refused
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Sign a token with the configured key (auth.key)
    #[command(after_help = TOKEN_EXAMPLES)]
    Token(TokenArgs),
    /// Load the settings and report every mistake
    Check(SettingFlags),
    /// Print the settings in force and where each came from, secrets masked
    Config(SettingFlags),
    /// Look at what a node needs from this machine and from Redis, and at nodes that run; say what to do
    Doctor(DoctorArgs),
    /// Ask the node of these settings whether it takes clients; ends with 1 if not
    Healthcheck(HealthArgs),
    /// Hand in a task, and wait for its notice by polling and by WebSocket
    #[command(after_help = PROBE_EXAMPLES)]
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
    #[command(after_help = DEAD_EXAMPLES)]
    List(DeadList),
    /// Hand dead letters in again, as new messages
    #[command(after_help = DEAD_EXAMPLES)]
    Replay(DeadWhich),
    /// Let dead letters go for good
    #[command(after_help = DEAD_EXAMPLES)]
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
    /// Where clients connect, such as `https://push.example.com`
    #[arg(long, value_name = "URL", default_value = PUBLIC)]
    pub(super) url: String,
    /// Whose notices
    #[arg(long, value_name = "ID")]
    pub(super) user: String,
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
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
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
    /// Where clients connect, such as `https://push.example.com`
    #[arg(long, value_name = "URL", default_value = PUBLIC)]
    pub(super) url: String,
    /// Where workers hand in: a node's internal address
    #[arg(long, value_name = "URL", default_value = INTERNAL)]
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
    let mut command = Cli::command();
    for name in ["serve", "demo", "check", "config", "doctor"] {
        let help = format!("{SOURCES}\n{}", manual());
        command = command.mut_subcommand(name, |it| {
            it.after_help("--help tells of every setting.").after_long_help(help)
        });
    }
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
