//! Reads settings one by one, and gathers what is wrong instead of stopping at it.

use crate::settings::{
    Settings,
    mistake::Mistake,
    table::{self, Entry},
    value::Value,
};

/// A walk through the settings. After a mistake it goes on with the default, so that all others are
/// found too; what was read is used only if there was none.
pub(super) struct Reader {
    settings: Settings,
    mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) fn new(mut settings: Settings) -> Self {
        let mistakes = std::mem::take(&mut settings.mistakes);
        Self { settings, mistakes }
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes
    }

    /// Reads one value.
    pub(super) fn one<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        self.value(name, |value| match value {
            Value::Text(text) => parse(text),
            Value::List(_) | Value::Map(_) => Err("is no single value".to_owned()),
        })
    }

    /// Reads one value that may be absent, or given as an empty text, which is the same.
    pub(super) fn maybe<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.one(name, |text| if text.is_empty() { Ok(None) } else { parse(text).map(Some) })
    }

    /// Reads a list.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&[String]) -> Result<T, String>,
    ) -> T {
        self.value(name, |value| match value {
            Value::List(items) => parse(items),
            Value::Text(_) | Value::Map(_) => Err("is no list".to_owned()),
        })
    }

    /// Reads whatever shape it has; a mistake is noted and the default read in its place.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&Value) -> Result<T, String>,
    ) -> T {
        let entry = entry(name);
        let (value, origin) = self.settings.effective(entry);
        match parse(&value) {
            Ok(parsed) => parsed,
            Err(problem) => {
                self.mistakes.push(Mistake::of(entry, value, origin, problem));
                parse(&entry.default_value()).expect("a test reads every default")
            }
        }
    }

    /// Whether it was given, and not as an empty text.
    pub(super) fn is_set(&self, name: &str) -> bool {
        !self.settings.effective(entry(name)).0.is_empty()
    }

    /// Notes that a setting, right in itself, does not go with another.
    pub(super) fn refuse(
        &mut self,
        name: &str,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let entry = entry(name);
        let (value, origin) = self.settings.effective(entry);
        self.mistakes.push(Mistake::hinted(entry, value, origin, problem.into(), hint));
    }
}

fn entry(name: &str) -> &'static Entry {
    table::find(name).expect("the names in config are in the table, as a test shows")
}
