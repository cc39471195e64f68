//! How users prove who they are: `auth.*`.

use std::{path::PathBuf, time::Duration};

use auth::{Algorithms, HookConfig, Key, KeySource, Mode, TokenConfig};
use http::{HeaderName, Uri};

use crate::settings::{amount, reader::Reader};

/// The largest leeway: more, and an end means nothing.
const LEEWAY_MAX: Duration = Duration::from_mins(5);

/// The longest that a revocation is kept.
const KEEP_MAX: Duration = Duration::from_hours(366 * 24);

/// What the gateway asks of users, and how.
#[derive(Clone, Debug)]
pub struct Auth {
    pub gate: auth::Config,
    /// A cookie that may hold the token.
    pub cookie: Option<String>,
    /// No token lives longer than a revocation is kept.
    pub revocation_keep: Duration,
    pub signing: Signing,
}

/// What `carillon token` signs with, whatever the mode is.
#[derive(Clone, Debug)]
pub struct Signing {
    pub key: Option<Key>,
    pub algorithms: Algorithms,
    pub issuers: Vec<String>,
    pub audiences: Vec<String>,
}

impl Auth {
    /// Whether everyone is taken for who they say.
    pub fn is_open(&self) -> bool {
        matches!(self.gate.mode, Mode::Anonymous)
    }
}

/// The word in `auth.mode`.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Word {
    None,
    Token,
    Hook,
}

pub(super) fn read(read: &mut Reader) -> Auth {
    let word = read.one("auth.mode", word);
    let signing = Signing {
        key: read.maybe("auth.key", |text| Key::read(text).map_err(|error| error.to_string())),
        algorithms: read.list("auth.algorithms", algorithms),
        issuers: read.list("auth.issuers", |list| Ok(list.to_vec())),
        audiences: read.list("auth.audiences", |list| Ok(list.to_vec())),
    };
    let (token, hook) = (token(read, word, &signing), hook(read, word));
    let revocation_keep = read.one("auth.revocation_keep", revocation_keep);
    let mode = match word {
        Word::None => None,
        Word::Token => token.map(Mode::Token),
        Word::Hook => hook.map(Mode::Hook),
    };
    let gate = auth::Config {
        // After a mistake nothing of this is used.
        mode: mode.unwrap_or(Mode::Anonymous),
        ca: read.maybe("auth.ca", super::config::file),
    };
    Auth { gate, cookie: read.maybe("auth.cookie", cookie), revocation_keep, signing }
}

fn token(read: &mut Reader, word: Word, signing: &Signing) -> Option<TokenConfig> {
    let jwks = read.maybe("auth.jwks", jwks);
    let refresh = read.one("auth.jwks_refresh", amount::duration);
    let leeway = read.one("auth.leeway", leeway);
    if word != Word::Token {
        return None;
    }
    let Signing { key, algorithms, issuers, audiences } = signing.clone();
    let keys = match (key, jwks) {
        (Some(key), None) => {
            if !algorithms.fit(&key) {
                let hint = "leave it out to take all that fit the key";
                read.refuse("auth.algorithms", "holds none that fits auth.key", hint);
            }
            KeySource::One(key)
        }
        (None, Some(Jwks::File(path))) => KeySource::File(path),
        (None, Some(Jwks::Url(url))) => KeySource::Url { url, refresh },
        (None, None) => {
            let hint = "set auth.key to the key that tokens are signed with, or auth.jwks to where the \
                        keys are";
            read.refuse("auth.mode", "needs a key to check tokens with", hint);
            return None;
        }
        (Some(_), Some(_)) => {
            read.refuse("auth.jwks", "is set beside auth.key", "set one of the two");
            return None;
        }
    };
    Some(TokenConfig { keys, algorithms, issuers, audiences, leeway })
}

fn hook(read: &mut Reader, word: Word) -> Option<HookConfig> {
    let url = read.maybe("auth.hook.url", url);
    let config = HookConfig {
        url: url.clone().unwrap_or_default(),
        headers: read.list("auth.hook.headers", headers),
        time_limit: read.one("auth.hook.timeout", amount::duration),
        concurrency: read.one("auth.hook.concurrency", amount::count),
        cache: read.one("auth.hook.cache", amount::duration_or_none),
    };
    if word == Word::Hook && url.is_none() {
        let hint = "set auth.hook.url to where the backend says who a client is";
        read.refuse("auth.mode", "needs somebody to ask", hint);
    }
    (word == Word::Hook && url.is_some()).then_some(config)
}

fn word(text: &str) -> Result<Word, String> {
    match text {
        "none" => Ok(Word::None),
        "token" => Ok(Word::Token),
        "hook" => Ok(Word::Hook),
        _ => Err("is none of none, token, hook".to_owned()),
    }
}

enum Jwks {
    File(PathBuf),
    Url(Uri),
}

fn jwks(text: &str) -> Result<Jwks, String> {
    if text.contains("://") {
        url(text).map(Jwks::Url)
    } else {
        super::config::file(text).map(Jwks::File)
    }
}

fn url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|_| "is no URL".to_owned())?;
    let is_whole = matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("holds a user or a password, which would not be sent".to_owned());
    }
    if is_whole { Ok(url) } else { Err("is no http:// or https:// URL".to_owned()) }
}

fn algorithms(names: &[String]) -> Result<Algorithms, String> {
    Algorithms::parse(names).map_err(|error| error.to_string())
}

fn headers(names: &[String]) -> Result<Vec<String>, String> {
    let header = |name: &String| {
        let header: HeaderName =
            name.parse().map_err(|_| format!("names {name:?}, which is no header"))?;
        Ok(header.as_str().to_owned())
    };
    names.iter().map(header).collect()
}

/// A name as RFC 6265 §4.1.1 has it.
fn cookie(name: &str) -> Result<String, String> {
    let header: Result<HeaderName, _> = name.parse();
    header.map(|_| name.to_owned()).map_err(|_| "is no name of a cookie".to_owned())
}

fn revocation_keep(text: &str) -> Result<Duration, String> {
    let keep = amount::duration(text)?;
    if keep <= KEEP_MAX { Ok(keep) } else { Err("is more than a year".to_owned()) }
}

fn leeway(text: &str) -> Result<Duration, String> {
    let leeway = amount::duration_or_none(text)?;
    if leeway <= LEEWAY_MAX { Ok(leeway) } else { Err("is more than 5m".to_owned()) }
}
