//! Why a chore stopped, in words for the person who asked for it.

use std::{fmt, io, process::ExitCode};

#[derive(Debug)]
pub(crate) enum Failure {
    /// The order itself was not understood.
    Usage(String),
    /// A program is absent and could not be installed here.
    Missing { program: String, hint: String },
    /// A program did not start.
    Start { command: String, source: io::Error },
    /// A program ended badly. It has said why by itself.
    Ended { command: String, status: String },
    /// A file could not be read or written.
    File { path: String, source: io::Error },
    /// The tree is not what a step expects.
    Tree(String),
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// 64 is what the service answers to bad settings, too.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(64),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "{text}; `cargo xtask help` lists what there is"),
            Self::Missing { program, hint } => write!(f, "{program} is not here: {hint}"),
            Self::Start { command, source } => write!(f, "start `{command}`: {source}"),
            Self::Ended { command, status } => write!(f, "`{command}` ended with {status}"),
            Self::File { path, source } => write!(f, "{path}: {source}"),
            Self::Tree(text) => f.write_str(text),
        }
    }
}
