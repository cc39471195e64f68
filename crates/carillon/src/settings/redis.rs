//! The Redis that nodes share, as its settings say.

use std::{fmt, fs, path::PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::settings::{amount, config::file, reader::Reader, tls};

/// What a Redis may be: one, several of which a sentinel knows the primary, or a cluster; each plain or
/// by TLS.
const REDIS_SCHEMES: [&str; 6] =
    ["redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster"];

/// The Redis that nodes share.
#[derive(Clone)]
pub struct Redis {
    /// May hold a password.
    pub url: String,
    pub prefix: String,
    pub min_replicas_ack: usize,
    /// The roots that a `rediss` connection trusts; this machine's if absent.
    pub ca: Option<PathBuf>,
    /// The certificate that it shows, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

pub(super) fn read(read: &mut Reader) -> Option<Redis> {
    let password = read.maybe("redis.password_file", password);
    let url = read.maybe("redis.url", |text| url(text, password.as_deref()));
    let redis = Redis {
        url: url.clone().unwrap_or_default(),
        prefix: read.one("redis.prefix", prefix),
        min_replicas_ack: read.one("redis.min_replicas_ack", amount::count_or_none),
        ca: read.maybe("redis.tls.ca", file),
        identity: tls::pair(read, "redis.tls"),
    };
    if url.is_none() && !read.is_set("redis.url") {
        needs_url(read, &redis);
    }
    url.map(|_| redis)
}

/// What is of a Redis means nothing without one, and whoever set it believes that there is one.
fn needs_url(read: &mut Reader, redis: &Redis) {
    let mut refuse = |name: &str| {
        read.refuse(name, "is of a Redis, and there is none", "set redis.url to where it is");
    };
    if redis.min_replicas_ack > 0 {
        refuse("redis.min_replicas_ack");
    }
    if redis.ca.is_some() {
        refuse("redis.tls.ca");
    }
    if redis.identity.is_some() {
        refuse("redis.tls.cert");
    }
}

/// The URL, with the password that its file holds.
fn url(url: &str, password: Option<&str>) -> Result<String, String> {
    let (scheme, rest) = url
        .split_once("://")
        .filter(|(scheme, rest)| REDIS_SCHEMES.contains(scheme) && !rest.is_empty())
        .ok_or_else(|| {
            format!("begins with none of {}, each followed by ://", REDIS_SCHEMES.join(", "))
        })?;
    let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
    let url = match password {
        None => url.to_owned(),
        Some(_) if user.contains(':') => {
            return Err("holds a password, and redis.password_file gives another".to_owned());
        }
        Some(password) => format!("{scheme}://{user}:{password}@{host}"),
    };
    adapter::check_redis_url(&url).map_err(|error| format!("names no Redis: {error}"))?;
    Ok(url)
}

/// What the file holds but for the line's end, as a URL writes it.
fn password(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err("names a file that holds nothing".to_owned());
    }
    Ok(utf8_percent_encode(password, NON_ALPHANUMERIC).to_string())
}

fn prefix(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['{', '}']) || text.contains(char::is_whitespace) {
        return Err("is empty, or holds a brace or a space".to_owned());
    }
    Ok(text.to_owned())
}
