//! Tells about every setting, for `--help` and for docs/configuration.md.

use std::fmt::Write as _;

use crate::settings::table::{Entry, TABLE};

/// The settings as `--help` shows them.
pub(crate) fn manual() -> String {
    let mut text = String::from("Settings (name = default):\n");
    for entry in TABLE {
        writeln!(text, "  {} = {}", entry.name, default_of(entry)).expect("a String takes all");
        writeln!(text, "      {}", entry.about).expect("a String takes all");
    }
    text
}

fn default_of(entry: &Entry) -> String {
    let value = entry.default_value();
    if entry.default.is_empty() && value == super::Value::Text(String::new()) {
        "none".to_owned()
    } else {
        value.to_string()
    }
}

/// The table of docs/configuration.md.
#[cfg(test)]
pub(super) fn markdown() -> String {
    let mut text = String::from("| setting | default | what it does |\n|---|---|---|\n");
    for entry in TABLE {
        let secret = if entry.secret { " Never shown." } else { "" };
        let (name, default, about) = (entry.name, default_of(entry), entry.about);
        writeln!(text, "| `{name}` | `{default}` | {about}{secret} |").expect("a String takes all");
    }
    text
}
