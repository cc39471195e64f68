//! The commands and their arguments, and the help that teaches them.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::settings::{Flag, Sources, manual};

const EXAMPLES: &str = "\
Examples:
  carillon demo                              see it: a page, and tasks that move on it
  carillon                                   a node on 127.0.0.1:8000, its API on 127.0.0.1:8001
  carillon serve --config carillon.toml      the same, by a settings file
  carillon publish tasks.ndjson --to http://127.0.0.1:8001
  carillon listen --url http://127.0.0.1:8000 --user 5
  carillon explain message.json              what a worker's message becomes, or why it is refused

Exit codes: 0 stopped as asked, 64 bad settings or arguments, 1 failed.";

const PUBLISH_EXAMPLES: &str = "\
Examples:
  carillon publish message.json --to http://127.0.0.1:8001
  carillon publish tasks.ndjson --to http://127.0.0.1:8001
  worker | carillon publish - --to http://127.0.0.1:8001

FILE holds one JSON message, an array of them, or one on each line (NDJSON).
A key of the API comes from the environment: CARILLON_API_KEY.";

const LISTEN_EXAMPLES: &str = "\
Examples:
  carillon listen --url http://127.0.0.1:8000 --user 5
  carillon listen --url http://127.0.0.1:8000 --user 5 --since 'user:5@/notice:k3x9-41'

Each line is {\"event\",\"args\",\"id\"}; the id of the last one is the next --since.
Ends with 0 on ctrl-c, and with 1 when the server ends.";

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
    /// Print what a user receives, a JSON line each
    #[command(after_help = LISTEN_EXAMPLES)]
    Listen(ListenArgs),
    /// Say what each worker message becomes, or why it is refused
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Load the settings and report every mistake
    Check(SettingFlags),
    /// Print the settings in force and where each came from, secrets masked
    Config(SettingFlags),
    /// Look at what a node needs from this machine, and say what to do
    Doctor(SettingFlags),
}

#[derive(Args, Debug)]
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
    /// The node's internal address, such as `http://127.0.0.1:8001`
    #[arg(long, value_name = "URL")]
    pub(super) to: String,
}

#[derive(Args, Debug)]
pub(super) struct ListenArgs {
    /// The node's public address, such as `http://127.0.0.1:8000`
    #[arg(long, value_name = "URL")]
    pub(super) url: String,
    /// Whose notices
    #[arg(long, value_name = "ID")]
    pub(super) user: String,
    #[arg(long, value_name = "NAME", default_value = "/notice")]
    pub(super) namespace: String,
    /// The last id that was seen, or one for each audience joined by commas
    #[arg(long, value_name = "CURSOR")]
    pub(super) since: Option<String>,
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

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it like public.addr=127.0.0.1:8000")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
