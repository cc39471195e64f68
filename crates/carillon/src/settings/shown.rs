//! The settings in force, as `carillon config` prints them: TOML, each with where it came from.

use std::io::{self, Write};

use crate::settings::{Settings, table::TABLE};

impl Settings {
    /// Writes every setting in force. The output is a settings file, but for masked secrets.
    pub fn show(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut section = "";
        for entry in TABLE {
            let (value, origin) = self.effective(entry);
            let (of, key) = entry.name.rsplit_once('.').unwrap_or(("", entry.name));
            if of != section {
                writeln!(out, "\n[{of}]")?;
                section = of;
            }
            let value = if entry.secret { value.masked() } else { value };
            if is_none(&value) {
                writeln!(out, "# {key} is not set  # {origin}")?;
            } else {
                writeln!(out, "{key} = {value}  # {origin}")?;
            }
        }
        Ok(())
    }
}

fn is_none(value: &super::Value) -> bool {
    matches!(value, super::Value::Text(text) if text.is_empty())
}
