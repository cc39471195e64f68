//! The Redis that nodes share, as its settings say.

use std::{fmt, path::PathBuf};

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
    let url = read.maybe("redis.url", url);
    let redis = Redis {
        url: url.clone().unwrap_or_default(),
        prefix: read.one("redis.prefix", prefix),
        min_replicas_ack: read.one("redis.min_replicas_ack", amount::count_or_none),
        ca: read.maybe("redis.tls.ca", file),
        identity: tls::pair(read, "redis.tls"),
    };
    url.map(|_| redis)
}

fn url(url: &str) -> Result<String, String> {
    match url.split_once("://") {
        Some((scheme, rest)) if REDIS_SCHEMES.contains(&scheme) && !rest.is_empty() => {
            Ok(url.to_owned())
        }
        _ => Err(format!("begins with none of {}, each followed by ://", REDIS_SCHEMES.join(", "))),
    }
}

fn prefix(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['{', '}']) || text.contains(char::is_whitespace) {
        return Err("is empty, or holds a brace or a space".to_owned());
    }
    Ok(text.to_owned())
}
