//! The report for people: a row for each figure, a column for each server and each ratio.

use std::io::{self, Write};

use crate::report::Line;

/// Cells of text. The first row is the heading, the first column the figure's name.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn of(lines: &[Line<'_>]) -> Self {
        let heading = lines.first().map(heading);
        Self { rows: heading.into_iter().chain(lines.iter().map(row)).collect() }
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns).map(|column| self.width(column)).collect();
        for row in &self.rows {
            let [name, numbers @ ..] = row.as_slice() else { continue };
            write!(out, "{name:width$}", width = widths[0])?;
            for (number, width) in numbers.iter().zip(&widths[1..]) {
                write!(out, "  {number:>width$}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
    }
}

fn heading(line: &Line<'_>) -> Vec<String> {
    let first = line.values.first().map_or("", |value| value.target);
    let mut cells = vec![String::new()];
    cells.extend(line.values.iter().map(|value| value.target.to_owned()));
    cells.extend(line.values.iter().skip(1).map(|value| format!("{first}/{}", value.target)));
    cells
}

fn row(line: &Line<'_>) -> Vec<String> {
    let unit = if line.unit.is_empty() { String::new() } else { format!(", {}", line.unit) };
    let mut cells = vec![format!("{}{unit}", line.name)];
    let none = || "-".to_owned();
    cells.extend(line.values.iter().map(|value| value.median.map_or_else(none, number)));
    let ratios = line.values.iter().skip(1).map(|value| value.ratio_of_first);
    cells.extend(ratios.map(|ratio| ratio.map_or_else(none, |it| format!("{it:.2}"))));
    cells
}

/// Two decimals where they say something.
pub(super) fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
