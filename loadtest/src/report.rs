//! What was measured: a sheet of figures for each server and round, medians over the rounds, and
//! the ratios of the first server to the others.

mod plot;
mod table;

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use serde::Serialize;

use crate::{
    failure::Failure,
    report::{plot::plot, table::Table},
    settings::Common,
    stats::{median, ratio},
};

/// How a figure's name ends that says how busy the generator was.
pub(crate) const BUSY: &str = "generator busy";
/// In % of a core.
const BUSY_MAX: f64 = 80.0;

/// The figures of one server in one round, in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    figures: Vec<Figure>,
}

#[derive(Debug)]
struct Figure {
    name: String,
    unit: &'static str,
    /// Costs are compared; the rest says what the run was like.
    is_cost: bool,
    value: f64,
}

/// All sheets of a run.
#[derive(Debug)]
pub(crate) struct Report {
    scenario: &'static str,
    sockets: usize,
    rounds: usize,
    pinned: bool,
    /// By target, in the order of the command line.
    sheets: Vec<(String, Vec<Sheet>)>,
}

/// A report as it is written to a file.
#[derive(Debug, Serialize)]
struct Written<'a> {
    scenario: &'a str,
    sockets: usize,
    rounds: usize,
    pinned: bool,
    figures: Vec<Line<'a>>,
}

/// One figure over all servers: medians, and the first one's ratio to each.
#[derive(Debug, Serialize)]
struct Line<'a> {
    name: &'a str,
    unit: &'a str,
    values: Vec<Value<'a>>,
}

#[derive(Debug, Serialize)]
struct Value<'a> {
    target: &'a str,
    /// None for what this one was not asked to do.
    median: Option<f64>,
    rounds: Vec<f64>,
    /// How much the first server needs of what this one does. None for the first one itself, for
    /// what is no cost, and where this one needs next to nothing.
    ratio_of_first: Option<f64>,
}

// === impl Sheet ===

impl Sheet {
    /// A figure that is better the lower it is.
    pub(crate) fn cost(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        self.figures.push(Figure { name: name.into(), unit, is_cost: true, value });
    }

    /// A figure that says what the run was like.
    pub(crate) fn note(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        self.figures.push(Figure { name: name.into(), unit, is_cost: false, value });
    }

    /// How many there were of something.
    #[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
    pub(crate) fn count(&mut self, name: impl Into<String>, count: usize) {
        self.note(name, "", count as f64);
    }
}

// === impl Report ===

impl Report {
    pub(crate) fn new(scenario: &'static str, sockets: usize, common: &Common) -> Self {
        let sheets = common.targets.iter().map(|target| (target.name.clone(), Vec::new()));
        Self {
            scenario,
            sockets,
            rounds: common.rounds,
            pinned: !common.no_pin,
            sheets: sheets.collect(),
        }
    }

    pub(crate) fn add(&mut self, target: &str, sheet: Sheet) {
        if let Some((_, sheets)) = self.sheets.iter_mut().find(|(name, _)| name == target) {
            sheets.push(sheet);
        }
    }

    /// Prints the table.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.title())?;
        writeln!(out)?;
        Table::of(&self.lines()).print(out)?;
        self.doubts().try_for_each(|doubt| writeln!(out, "\n{doubt}"))
    }

    /// Where the generator was at its end, and delays say more of it than of the server.
    fn doubts(&self) -> impl Iterator<Item = String> {
        let lines = self.lines().into_iter().filter(|line| line.name.ends_with(BUSY));
        let busy = |line: Line<'_>| {
            let near = |value: &Value<'_>| value.median.is_some_and(|it| it > BUSY_MAX);
            let values = line.values.into_iter().filter(near);
            values.map(|value| value.target.to_owned()).collect::<Vec<_>>()
        };
        lines.map(busy).filter(|targets| !targets.is_empty()).map(|targets| {
            format!(
                "The generator was busy for more than {BUSY_MAX} % of its core: the delays of {} are its own.",
                targets.join(", ")
            )
        })
    }

    /// Writes the report as JSON.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let written = Written {
            scenario: self.scenario,
            sockets: self.sockets,
            rounds: self.rounds,
            pinned: self.pinned,
            figures: self.lines(),
        };
        let json = serde_json::to_string_pretty(&written).map_err(io::Error::from);
        json.and_then(|json| fs::write(path, json + "\n"))
            .map_err(|source| Failure::Report { path: path.to_owned(), source })
    }

    /// Draws the report, as SVG.
    pub(crate) fn draw(&self, path: &Path) -> Result<(), Failure> {
        svg::save(path, &plot(&self.title(), &self.lines()))
            .map_err(|source| Failure::Report { path: path.to_owned(), source })
    }

    fn title(&self) -> String {
        let placed = if self.pinned { "server on core 0, generator on core 1" } else { "unpinned" };
        let (scenario, sockets, rounds) = (self.scenario, self.sockets, self.rounds);
        format!("{scenario}: {sockets} sockets, median of {rounds} round(s), {placed}")
    }

    fn lines(&self) -> Vec<Line<'_>> {
        let first = self.sheets.first().and_then(|(_, sheets)| sheets.first());
        let figures = first.map_or(&[][..], |sheet| &sheet.figures);
        figures.iter().map(|figure| self.line(figure)).collect()
    }

    fn line<'a>(&'a self, figure: &'a Figure) -> Line<'a> {
        let mut values: Vec<Value<'_>> = self.sheets.iter().map(|of| value(of, figure)).collect();
        let first = values.first().and_then(|value| value.median);
        for value in values.iter_mut().skip(1).filter(|_| figure.is_cost) {
            value.ratio_of_first =
                first.zip(value.median).and_then(|(first, median)| ratio(first, median));
        }
        Line { name: &figure.name, unit: figure.unit, values }
    }
}

fn value<'a>((target, sheets): &'a (String, Vec<Sheet>), figure: &Figure) -> Value<'a> {
    let named = |sheet: &Sheet| {
        let found = sheet.figures.iter().find(|other| other.name == figure.name);
        found.map(|found| found.value)
    };
    let rounds: Vec<f64> = sheets.iter().filter_map(named).collect();
    Value { target, median: median(&rounds), rounds, ratio_of_first: None }
}

#[cfg(test)]
mod tests;
