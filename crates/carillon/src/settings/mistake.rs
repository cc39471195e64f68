//! One thing wrong with the settings, told so that it can be put right without reading the source.

use std::fmt;

use crate::settings::{
    environment,
    origin::Origin,
    table::{self, Entry},
};

/// How alike two names must be for one to be suggested for the other, from 0 to 1.
const ALIKE_MIN: f64 = 0.7;

/// One wrong setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    pub name: String,
    /// As it was typed; a secret's is masked.
    pub value: String,
    pub origin: Origin,
    pub problem: String,
    /// What to do, or a form that would do.
    pub hint: String,
}

/// Everything that is wrong with the settings; at least one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("read settings: {} wrong", .0.len())]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistake {
    /// A value that does not do, with the entry's own example as the form that would.
    pub(super) fn of(
        entry: &Entry,
        value: impl fmt::Display,
        origin: Origin,
        problem: impl fmt::Display,
    ) -> Self {
        let hint = format!("write it like {}", entry.form);
        Self::hinted(entry, value, origin, problem, hint)
    }

    pub(super) fn hinted(
        entry: &Entry,
        value: impl fmt::Display,
        origin: Origin,
        problem: impl fmt::Display,
        hint: impl Into<String>,
    ) -> Self {
        let shown = if entry.secret { "(hidden)".to_owned() } else { value.to_string() };
        Self {
            name: entry.name.to_owned(),
            value: shown,
            origin,
            problem: problem.to_string(),
            hint: hint.into(),
        }
    }

    /// A name that no setting has. Its value is hidden where the name may be a misspelled secret's.
    pub(super) fn unknown(name: &str, value: &str, origin: Origin) -> Self {
        let secretive =
            ["key", "secret", "token", "pass", "url"].iter().any(|it| name.contains(it));
        let value = if secretive { "(hidden)" } else { value };
        let hint = match table::nearest(name, ALIKE_MIN) {
            Some(entry) if matches!(origin, Origin::Environment(_)) => {
                format!("did you mean {}?", environment::variable(entry.name))
            }
            Some(entry) => format!("did you mean {}?", entry.name),
            None => "`carillon config` lists every setting".to_owned(),
        };
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            origin,
            problem: "is not a setting".to_owned(),
            hint,
        }
    }

    /// A settings file that cannot be used at all.
    pub(super) fn file(path: &str, origin: Origin, problem: impl fmt::Display) -> Self {
        Self {
            name: "config".to_owned(),
            value: path.to_owned(),
            origin,
            problem: problem.to_string(),
            hint: "give a TOML file such as `[public]` and below it `addr = \"127.0.0.1:8000\"`"
                .to_owned(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, origin, problem, hint } = self;
        write!(f, "{name} = {value} ({origin}): {problem}\n  hint: {hint}")
    }
}
