//! Which event a worker's `status` number stands for when the message names none.

use std::{collections::HashMap, fmt};

use thiserror::Error;

use crate::event::{EventError, EventName};

/// The statuses that always mean the same. A setting may add others, not change these.
const BUILT_IN: [(i64, &str); 3] =
    [(-1, "file.cancel"), (100, "file.progress"), (1000, "file.complete")];

/// What an operator adds to the built-in statuses -1, 100 and 1000. The default adds none.
#[derive(Clone, Debug, Default)]
pub struct StatusTable {
    added: HashMap<i64, EventName>,
}

/// Every entry that cannot stand in a status table, in the order of their keys.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub struct StatusTableError {
    mistakes: Vec<String>,
}

impl StatusTable {
    /// Takes status numbers, written in decimal, and the events that they stand for. Fails with all
    /// mistakes at once: a key that is no integer or is built in, an event that may not be sent.
    pub fn new(entries: HashMap<String, String>) -> Result<Self, StatusTableError> {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort();
        let mut added = HashMap::with_capacity(entries.len());
        let mut mistakes = Vec::new();
        for (key, event) in entries {
            match entry(&key, &event) {
                Ok((status, event)) => {
                    added.insert(status, event);
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.is_empty() { Ok(Self { added }) } else { Err(StatusTableError { mistakes }) }
    }

    /// The event that was added for `status`.
    pub(crate) fn event(&self, status: i64) -> Option<&EventName> {
        self.added.get(&status)
    }
}

fn entry(key: &str, event: &str) -> Result<(i64, EventName), String> {
    let status = key.parse::<i64>().ok().filter(|status| status.to_string() == key);
    let status = status.ok_or_else(|| {
        format!("read status {key:?}: expected an integer in decimal, like \"200\"")
    })?;
    if let Some((_, built_in)) = BUILT_IN.iter().find(|(known, _)| *known == status) {
        return Err(format!("read status {key:?}: it always means {built_in}, expected another"));
    }
    let event = EventName::new(event)
        .map_err(|error: EventError| format!("read the event of status {key:?}: {error}"))?;
    Ok((status, event))
}

impl StatusTableError {
    /// One sentence for each entry that was refused.
    pub fn mistakes(&self) -> &[String] {
        &self.mistakes
    }
}

impl fmt::Display for StatusTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mistakes.join("; "))
    }
}

#[cfg(test)]
mod tests;
