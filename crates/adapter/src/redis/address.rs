//! The URL of a Redis: what is at its other end, and what must be right about it before anybody connects.

use fred::types::config::Config as FredConfig;

const CUT: &str = "a / ? or # in its password cuts it short: write %2F, %3F, %23";

/// What is at the other end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    Alone,
    Cluster,
    Sentinel,
}

/// A URL that names no Redis. Its text never holds the password.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct AddressError {
    reason: String,
}

/// Whether a node could connect to that, were it there: `redis://[user:password@]host[:port][/database]` for one
/// server, `redis-cluster://…` for a cluster, `redis-sentinel://…?sentinelServiceName=name` for what sentinels
/// watch, each with a second `s` in `redis` for TLS.
pub fn check_redis_url(url: &str) -> Result<(), AddressError> {
    read(url).map(drop)
}

pub(super) fn layout(url: &str) -> Result<Layout, AddressError> {
    match url.split_once("://").map_or("", |(scheme, _)| scheme) {
        "redis" | "rediss" => Ok(Layout::Alone),
        "redis-cluster" | "rediss-cluster" => Ok(Layout::Cluster),
        "redis-sentinel" | "rediss-sentinel" => Ok(Layout::Sentinel),
        scheme => Err(refused(format!("its scheme {scheme:?} is not known"))),
    }
}

/// Without its TLS, for which fred would read this machine's roots whether or not they are wanted.
pub(super) fn read(url: &str) -> Result<FredConfig, AddressError> {
    let layout = layout(url)?;
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    if is_cut(rest) {
        return Err(refused(CUT));
    }
    parameters(layout, rest)?;
    let plain = format!("redis://{rest}");
    let config = match layout {
        Layout::Alone => FredConfig::from_url_centralized(&plain),
        Layout::Cluster => FredConfig::from_url_clustered(&plain),
        Layout::Sentinel => FredConfig::from_url_sentinel(&plain),
    };
    let path =
        rest.split('?').next().and_then(|rest| rest.split_once('/')).map_or("", |(_, path)| path);
    if layout == Layout::Cluster && !["", "0"].contains(&path) {
        return Err(refused("it names a database, and a cluster has only 0"));
    }
    config.map_err(|error| refused(reason(layout, rest, error.details())))
}

/// Those that nobody reads are mistakes, most often of spelling.
fn parameters(layout: Layout, rest: &str) -> Result<(), AddressError> {
    let known: &[&str] = match layout {
        Layout::Alone => &[],
        Layout::Cluster => &["node"],
        Layout::Sentinel => {
            &["node", "sentinelServiceName", "sentinelUsername", "sentinelPassword"]
        }
    };
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    match names.find(|name| !name.is_empty() && !known.contains(name)) {
        None => Ok(()),
        Some(name) if name.contains('@') => Err(refused(CUT)),
        Some(_) if known.is_empty() => Err(refused("it has a ?, behind which nothing is read")),
        Some(_) => Err(refused(format!("behind its ? only {} is read", known.join(", ")))),
    }
}

/// What a password holds must not be taken for the address, nor be shown as if it were. Behind a `?` an `@` may be meant.
fn is_cut(rest: &str) -> bool {
    let address = rest.split('?').next().unwrap_or_default();
    let host = address.split(['/', '#']).next().unwrap_or_default();
    address.contains('@') && !host.contains('@')
}

fn reason(layout: Layout, rest: &str, details: &str) -> String {
    if layout == Layout::Sentinel && !rest.contains("sentinelServiceName=") {
        return "it needs ?sentinelServiceName=name behind host and port".to_owned();
    }
    format!("it cannot be read: {details}")
}

fn refused(reason: impl Into<String>) -> AddressError {
    AddressError { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    //! Which URLs are taken, and what is said of the others.

    use super::*;

    fn said(url: &str) -> String {
        check_redis_url(url).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_url_of_each_kind_is_taken() {
        for url in [
            "redis://cache",
            "rediss://u:p%2Fw@cache:6380/3",
            "redis-cluster://a:7000?node=b:7000&node=c:7000",
            "rediss-sentinel://me:it@a:26379?node=b:26379&sentinelServiceName=main",
            "redis-sentinel://a?sentinelServiceName=main&sentinelUsername=me&sentinelPassword=i@t",
        ] {
            assert_eq!(said(url), "", "{url}");
        }
    }

    #[test]
    fn what_cannot_be_connected_to_is_named_without_its_password() {
        for (url, word) in [
            ("http://cache", "scheme"),
            ("redis://u:p@127.0.0.1:bad", "Port"),
            ("redis://127.0.0.1:99999", "Port"),
            ("redis://127.0.0.1/abc", "read"),
            ("redis://user:ge/heim@127.0.0.1", "%2F"),
            ("redis://user:ge?heim@127.0.0.1", "%3F"),
            ("redis://user:12#heim@127.0.0.1", "%23"),
            ("redis-cluster://user:12/heim@127.0.0.1", "%2F"),
            ("redis://cache?x=y", "nothing is read"),
            ("redis-cluster://a/3", "database"),
            ("redis-cluster://a?nodes=b", "node"),
            ("redis-sentinel://a:26379", "sentinelServiceName"),
        ] {
            let said = said(url);
            assert!(said.contains(word), "{url}: {said}");
            assert!(!said.contains("heim"), "{url}: {said}");
        }
    }
}
