//! What a rule found: where, what is wrong, and what to do.

use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    path: String,
    /// Counted from one; zero means the file as a whole.
    line: usize,
    advice: String,
}

impl Fault {
    pub(super) fn at(path: &str, line: usize, advice: impl Into<String>) -> Self {
        Self { path: path.into(), line, advice: advice.into() }
    }

    pub(super) fn of(path: &str, advice: impl Into<String>) -> Self {
        Self::at(path, 0, advice)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.advice),
            line => write!(f, "{}:{line}: {}", self.path, self.advice),
        }
    }
}

/// Fails with every fault on a line of its own.
#[track_caller]
pub(super) fn expect_none(faults: impl IntoIterator<Item = Fault>) {
    let lines: Vec<_> = faults.into_iter().map(|fault| format!("\n  {fault}")).collect();
    assert!(lines.is_empty(), "{} to mend:{}", lines.len(), lines.concat());
}
