//! How many tests passed and failed, read from what cargo and node print at the end of each run.

#[cfg(test)]
mod tests;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// What one line of output adds: a result line of libtest, or one count of node's summary.
    pub(crate) fn from_line(line: &str) -> Self {
        let line = without_colour(line);
        let line = line.trim();
        match line.strip_prefix("test result: ") {
            Some(result) => Self::from_libtest(result),
            None => Self::from_node(line).unwrap_or_default(),
        }
    }

    /// `ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s`
    fn from_libtest(result: &str) -> Self {
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        let mut tally = Self::default();
        for part in counts.split("; ") {
            match part.split_once(' ').map(|(count, what)| (count.parse().unwrap_or(0), what)) {
                Some((count, "passed")) => tally.passed = count,
                Some((count, "failed")) => tally.failed = count,
                Some((count, "ignored")) => tally.skipped = count,
                _ => {}
            }
        }
        tally
    }

    /// `ℹ pass 3` of the spec reporter, `# pass 3` of the TAP one.
    fn from_node(line: &str) -> Option<Self> {
        let count = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))?;
        let (what, count) = count.split_once(' ')?;
        let count = count.parse().ok()?;
        match what {
            "pass" => Some(Self { passed: count, ..Self::default() }),
            "fail" | "cancelled" => Some(Self { failed: count, ..Self::default() }),
            "skipped" | "todo" => Some(Self { skipped: count, ..Self::default() }),
            _ => None,
        }
    }
}

/// Drops the escape sequences that colour a line: `ESC [ … m`.
fn without_colour(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = String::from(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, text)| text));
    }
    plain
}
