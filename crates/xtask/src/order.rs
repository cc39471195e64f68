//! What was asked on the command line. Parsed once; nothing later looks at an argument again.

use std::time::Duration;

use crate::failure::Failure;

#[cfg(test)]
mod tests;

pub(crate) const HELP: &str = "\
The project's chores.

  cargo xtask test    everything a change must pass, cheapest first
  cargo xtask audit   licences, sources, unused dependencies, each crate by itself
  cargo xtask kube    the chart on a real API server, which it starts
  cargo xtask image   deploy/Dockerfile and docker-compose.yml, by podman, on base images that it makes
  cargo xtask chaos   a cluster, its pages and workers, and everything that can happen to it
  cargo xtask soak    the long tests, and the whole suite again and again
  cargo xtask fuzz    what reads untrusted bytes, given whatever gets furthest
  cargo xtask help    this text

  --list              names the steps of a chore and does nothing
  --only STEP         runs that step alone
  --rounds N          soak: how often the suite is run (default 5)
  --seconds N         fuzz: how long each target runs (default 300); chaos: how long things happen (60)
  --seed N            chaos: what happens, and when (default: by chance, and told)

What a step lacks is installed, with a word before: rustup for components of the toolchain,
apt-get for make, node, chromium, redis, haproxy, nginx, python, php and podman, npm for the clients, pip, npm, go, mvn and
cargo for the libraries of the workers' snippets, go build (for kube) and cargo install (into target/tools) for the rest.";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Help,
    Test(Choice),
    Audit(Choice),
    Kube(Choice),
    Image(Choice),
    Chaos(Choice),
    Soak(Choice),
    Fuzz(Choice),
    /// Not for people: how `test` runs each test binary, so that a hung one ends.
    Bounded {
        limit: Duration,
        program: String,
        args: Vec<String>,
    },
}

/// Which steps of a chore, how often, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) only: Option<String>,
    pub(crate) list: bool,
    pub(crate) rounds: u32,
    /// None: as long as the chore finds right.
    pub(crate) seconds: Option<u32>,
    /// None: of chance.
    pub(crate) seed: Option<u32>,
}

impl Order {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let Some(chore) = args.next() else { return Ok(Self::Help) };
        match chore.as_str() {
            "test" => Choice::parse(args).map(Self::Test),
            "audit" => Choice::parse(args).map(Self::Audit),
            "kube" => Choice::parse(args).map(Self::Kube),
            "image" => Choice::parse(args).map(Self::Image),
            "chaos" => Choice::parse(args).map(Self::Chaos),
            "soak" => Choice::parse(args).map(Self::Soak),
            "fuzz" => Choice::parse(args).map(Self::Fuzz),
            "bounded" => Self::parse_bounded(args),
            "help" | "--help" | "-h" => Ok(Self::Help),
            other => Err(Failure::usage(format!("unknown chore {other:?}"))),
        }
    }

    fn parse_bounded(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let seconds = args.next().and_then(|text| text.parse().ok());
        match (seconds, args.next()) {
            (Some(seconds), Some(program)) => Ok(Self::Bounded {
                limit: Duration::from_secs(seconds),
                program,
                args: args.collect(),
            }),
            _ => Err(Failure::usage("bounded takes SECONDS PROGRAM [ARGUMENT]…")),
        }
    }
}

impl Choice {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut choice = Self { only: None, list: false, rounds: 5, seconds: None, seed: None };
        while let Some(flag) = args.next() {
            match flag.as_str() {
                "--list" => choice.list = true,
                "--only" => {
                    let step = args.next();
                    choice.only = Some(step.ok_or_else(|| Failure::usage("--only takes a step"))?);
                }
                "--rounds" => choice.rounds = number(&flag, args.next())?,
                "--seconds" => choice.seconds = Some(number(&flag, args.next())?),
                "--seed" => choice.seed = Some(number(&flag, args.next())?),
                other => return Err(Failure::usage(format!("unknown argument {other:?}"))),
            }
        }
        Ok(choice)
    }
}

fn number(flag: &str, given: Option<String>) -> Result<u32, Failure> {
    let number = given.and_then(|text| text.parse().ok()).filter(|&number| number > 0);
    number.ok_or_else(|| Failure::usage(format!("{flag} takes a number from 1 up")))
}
