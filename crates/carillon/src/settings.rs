//! What the operator typed, and what it means.
//!
//! [`Settings`] holds texts from the defaults, a TOML file, the environment and the flags, each with
//! where it came from; [`Config`] is what they mean, checked once. The table in `table` is the only
//! list of settings there is: parsing, `carillon config`, `--help` and docs/configuration.md follow it.
//!
//! May enter: the environment as a map, flags as pairs, one file.
//! May not enter: sockets, the clock. After [`Settings::into_config`] nobody checks a setting again.
//!
//! Promise: all mistakes are reported together, and a secret's value never.

mod table;
mod value;

mod mistake;
mod origin;

mod environment;
mod file;
mod otel;

mod amount;
mod api_key;
mod auth;
mod config;
mod key_files;
mod levels;
mod limits;
mod proxies;
mod reader;
mod redis;
mod rules;
mod telemetry;
mod tls;
mod uplink;

mod manual;
mod shown;

#[cfg(test)]
mod chart;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf};

pub(crate) use self::{
    amount::lasting,
    api_key::Scope,
    environment::{API_KEY, TOKEN},
    levels::misspelt,
    manual::manual,
    telemetry::{LogFormat, Traces},
};
pub use self::{
    api_key::ApiKey,
    auth::{Auth, Signing},
    config::{Config, Drain, Ingest, Internal, Leases, Public, Recovery, Role, Roles},
    key_files::KeyFiles,
    mistake::{Mistake, Mistakes},
    origin::Origin,
    redis::Redis,
    telemetry::Telemetry,
};

use self::{table::Entry, value::Value};

/// Where settings come from, later ones winning.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The process's environment. Names that begin with `CARILLON_` are looked at, and
    /// some of OpenTelemetry's.
    pub environment: BTreeMap<String, String>,
    /// The file given by flag; without it, the one that `CARILLON_CONFIG` names.
    pub file: Option<PathBuf>,
    pub flags: Vec<Flag>,
}

/// One setting given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// How it was spelled: `--public-addr`.
    pub flag: String,
    pub name: String,
    pub value: String,
}

/// What was typed: texts by name, each with where it came from.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    given: BTreeMap<&'static str, Given>,
    /// What could not even be filed under a name; reported with the rest.
    mistakes: Vec<Mistake>,
}

#[derive(Clone, Debug)]
struct Given {
    value: Value,
    origin: Origin,
}

impl Settings {
    /// Gathers from all sources. Mistakes are kept until [`Settings::into_config`].
    pub fn load(sources: &Sources) -> Self {
        let mut settings = Self::default();
        if let Some((path, origin)) = sources.config_file() {
            file::read(&mut settings, &path, origin);
        }
        otel::read(&mut settings, &sources.environment);
        environment::read(&mut settings, &sources.environment);
        otel::switch_off(&mut settings, &sources.environment);
        for Flag { flag, name, value } in &sources.flags {
            settings.give(name, value, Origin::Flag(flag.clone()));
        }
        otel::protocol(&mut settings, &sources.environment);
        settings
    }

    /// The defaults, changed by these pairs, as a test wants them.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let flag = |(name, value): (&str, &str)| Flag {
            flag: "--set".to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let flags = pairs.into_iter().map(flag).collect();
        Self::load(&Sources { flags, ..Sources::default() })
    }

    /// Says what the settings mean, or all that is wrong with them.
    pub fn into_config(self) -> Result<Config, Mistakes> {
        config::build(self)
    }

    /// Files a text from a flag or the environment under its name.
    fn give(&mut self, name: &str, text: &str, origin: Origin) {
        let Some(entry) = table::find(name) else {
            return self.mistakes.push(Mistake::unknown(name, text, origin));
        };
        match Value::from_text(entry.shape, text) {
            Ok(value) => self.put(entry, value, origin),
            Err(problem) => self.mistakes.push(Mistake::of(entry, text, origin, problem)),
        }
    }

    fn put(&mut self, entry: &'static Entry, value: Value, origin: Origin) {
        self.given.insert(entry.name, Given { value, origin });
    }

    /// The value in force, and where it came from.
    fn effective(&self, entry: &Entry) -> (Value, Origin) {
        match self.given.get(entry.name) {
            Some(given) => (given.value.clone(), given.origin.clone()),
            None => (entry.default_value(), Origin::Default),
        }
    }
}

impl Sources {
    fn config_file(&self) -> Option<(PathBuf, Origin)> {
        if let Some(path) = &self.file {
            return Some((path.clone(), Origin::Flag("--config".to_owned())));
        }
        let path = self.environment.get(environment::FILE).filter(|path| !path.is_empty())?;
        Some((PathBuf::from(path), Origin::Environment(environment::FILE.to_owned())))
    }
}
