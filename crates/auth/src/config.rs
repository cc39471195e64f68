//! What a gate is told at start, already checked.

use std::{path::PathBuf, time::Duration};

use http::Uri;

use crate::{algorithms::Algorithms, key::Key};

/// `carillon` makes one from the settings; nothing here is checked again.
#[derive(Clone, Debug)]
pub struct Config {
    pub mode: Mode,
    /// The roots that HTTPS to the backend or to the keys trusts, as a PEM file; this machine's if
    /// absent.
    pub ca: Option<PathBuf>,
}

/// How users prove who they are.
#[derive(Clone, Debug)]
pub enum Mode {
    /// They do not.
    Anonymous,
    /// By a token that somebody signed whose key is known.
    Token(TokenConfig),
    /// The backend is asked.
    Hook(HookConfig),
}

#[derive(Clone, Debug)]
pub struct TokenConfig {
    pub keys: KeySource,
    pub algorithms: Algorithms,
    /// One of them must have issued it; empty: anyone.
    pub issuers: Vec<String>,
    /// It must be meant for one of them; empty: a token that names an audience is refused
    /// (RFC 7519 §4.1.3).
    pub audiences: Vec<String>,
    /// By how much clocks may differ.
    pub leeway: Duration,
}

/// Where the keys of tokens come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    One(Key),
    /// A key set (RFC 7517 §5), read again when it changes.
    File(PathBuf),
    /// A key set, fetched again every so often, and when a token names a key that is not in it.
    Url {
        url: Uri,
        refresh: Duration,
    },
}

#[derive(Clone, Debug)]
pub struct HookConfig {
    pub url: Uri,
    /// Those of a client's headers that the backend sees, in lower case.
    pub headers: Vec<String>,
    pub time_limit: Duration,
    /// Questions under way; one more waits for its turn, half of the time limit at most.
    pub concurrency: usize,
    /// For how long the same question gets the same answer; zero: it is asked each time.
    pub cache: Duration,
}
