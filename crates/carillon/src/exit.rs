//! How a process ends, and what it says when that is not as asked.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::settings::Mistakes;

/// The end of a process, as its exit code tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// 0: did what was asked, or stopped as asked.
    Stopped,
    /// 1: failed.
    Failed,
    /// 64: the settings or arguments are wrong, and nothing was tried.
    Usage,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::Failed => 1,
            Self::Usage => 64,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a command did not do what was asked, and what its caller can do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    hint: Option<String>,
}

/// Whoever read our output has left; nothing is wrong.
#[derive(Debug, thiserror::Error)]
#[error("write output")]
pub(crate) struct OutputError(#[from] io::Error);

impl Failure {
    pub(crate) fn usage(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, error: error.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn hinted(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, error: error.into(), hint: Some(hint.into()) }
    }

    /// What it is, and what to do if that is known: for who goes on all the same.
    pub(crate) fn in_words(&self) -> (String, Option<&str>) {
        (format!("{:#}", self.error), self.hint.as_deref())
    }

    /// Tells the person, and says how to exit.
    pub(crate) fn report(&self, err: &mut dyn Write) -> Exit {
        let output = self.error.downcast_ref::<OutputError>();
        if output.is_some_and(|error| error.0.kind() == io::ErrorKind::BrokenPipe) {
            return Exit::Stopped;
        }
        // Without a place to say it, the exit code still does.
        drop(self.tell(err));
        self.exit
    }

    fn tell(&self, err: &mut dyn Write) -> io::Result<()> {
        if let Some(Mistakes(mistakes)) = self.error.downcast_ref() {
            let many = if mistakes.len() == 1 {
                "1 mistake"
            } else {
                &format!("{} mistakes", mistakes.len())
            };
            writeln!(err, "error: {many} in the settings")?;
            for mistake in mistakes {
                writeln!(err, "{mistake}")?;
            }
        } else {
            writeln!(err, "error: {:#}", self.error)?;
        }
        self.hint.iter().try_for_each(|hint| writeln!(err, "hint: {hint}"))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failed, error, hint: None }
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        anyhow::Error::new(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        OutputError(error).into()
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self { exit: Exit::Usage, error: anyhow::Error::new(mistakes), hint: None }
    }
}
