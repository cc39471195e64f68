//! Dead letters on a terminal, as a table; into a pipe, a JSON line each.

use std::io::{self, Write};

use crate::{cli::Console, node::Letter};

/// What is shown of an error or a message, in characters.
const LINE_LEN_MAX: usize = 100;

/// `is_first`: nothing was shown before it.
pub(super) fn page(
    letters: &[Letter],
    is_first: bool,
    console: &mut Console<'_>,
) -> io::Result<()> {
    if !console.out_watched {
        return letters.iter().try_for_each(|letter| json_line(letter, console.out));
    }
    if is_first && letters.is_empty() {
        return writeln!(console.err, "there are no dead letters");
    }
    if is_first {
        row(["ID", "WHEN", "SOURCE", "REASON", "TRIES", "ERROR"], console.out)?;
    }
    letters.iter().try_for_each(|letter| table(letter, console.out))
}

fn json_line(letter: &Letter, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, letter)?;
    writeln!(out)
}

/// A row, and the message below it.
fn table(letter: &Letter, out: &mut dyn Write) -> io::Result<()> {
    let Letter { id, at, source, reason, error, tries, json, origin: _ } = letter;
    row([id, at, source, reason, &tries.to_string(), &one_line(error)], out)?;
    writeln!(out, "    {}", one_line(json))
}

fn row([id, at, source, reason, tries, error]: [&str; 6], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{id:<16} {at:<24} {source:<8} {reason:<14} {tries:>5}  {error}")
}

/// Its beginning, on one line, and harmless to a terminal.
fn one_line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .take(LINE_LEN_MAX)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if text.chars().nth(LINE_LEN_MAX).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    //! What a person sees of a letter.

    use super::*;

    #[test]
    fn a_letter_is_a_row_and_its_message_a_line_that_moves_no_terminal() {
        let letter = Letter {
            id: "17-0".to_owned(),
            source: "stream".to_owned(),
            reason: "json".to_owned(),
            error: "read\nmessage".to_owned(),
            tries: 1,
            at: "2026-11-20T23:00:00.000Z".to_owned(),
            origin: None,
            json: format!("\u{1b}[2J{}", "x".repeat(LINE_LEN_MAX)),
        };
        let mut out = Vec::new();
        table(&letter, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("17-0 ") && lines[0].ends_with("  read message"), "{out}");
        assert!(lines[1].starts_with("     [2Jxx") && lines[1].ends_with("x…"), "{out}");
    }
}
