//! Settings from a TOML file, with the line that each came from.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::settings::{
    Settings,
    mistake::Mistake,
    origin::Origin,
    table,
    value::{Shape, Value},
};

/// The largest settings file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn read(settings: &mut Settings, path: &Path, origin: Origin) {
    let shown = path.display().to_string();
    let text = match text_of(path) {
        Ok(text) => text,
        Err(problem) => return settings.mistakes.push(Mistake::file(&shown, origin, problem)),
    };
    match DeTable::parse(&text) {
        Ok(table) => Reading { settings, path, text: &text }.table("", table.get_ref()),
        Err(error) => {
            let line = line_at(&text, error.span().map_or(0, |span| span.start));
            let origin = Origin::File { path: path.to_owned(), line };
            let problem = format!("is not TOML: {}", error.message());
            settings.mistakes.push(Mistake::file(&shown, origin, problem));
        }
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let len_bytes =
        std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if len_bytes > FILE_BYTES_MAX {
        return Err(format!("is {len_bytes} bytes long, and {FILE_BYTES_MAX} are allowed"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
}

fn shown(value: &DeValue<'_>) -> String {
    Value::from_toml(Shape::Text, value)
        .map_or_else(|problem| format!("({problem})"), |value| value.to_string())
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Reading<'a> {
    settings: &'a mut Settings,
    path: &'a Path,
    text: &'a str,
}

impl Reading<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = format!("{section}{}", key.get_ref());
            let line = line_at(self.text, key.span().start);
            self.value(&name, value.get_ref(), Origin::File { path: self.path.to_owned(), line });
        }
    }

    fn value(&mut self, name: &str, value: &DeValue<'_>, origin: Origin) {
        if let Some(entry) = table::find(name) {
            match Value::from_toml(entry.shape, value) {
                Ok(value) => self.settings.put(entry, value, origin),
                Err(problem) => {
                    let mistake = Mistake::of(entry, "(a list or table)", origin, problem);
                    self.settings.mistakes.push(mistake);
                }
            }
        } else if let DeValue::Table(inner) = value
            && (table::is_section(name) || !inner.is_empty())
        {
            self.table(&format!("{name}."), inner);
        } else {
            self.settings.mistakes.push(Mistake::unknown(name, &shown(value), origin));
        }
    }
}
