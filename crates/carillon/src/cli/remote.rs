//! The address of a node, as a person types it.

use std::fmt;

use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::exit::Failure;

/// A node's address without its path: `http://127.0.0.1:8001`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Remote {
    is_secure: bool,
    authority: String,
    prefix: String,
}

impl Remote {
    /// Reads `http://host:port` or `https://…`, with `ws://` and `wss://` meaning the same. A path is kept in front of ours.
    pub(super) fn parse(flag: &str, url: &str, example: &str) -> Result<Self, Failure> {
        let bad = |problem: &str| {
            Failure::usage(
                anyhow::anyhow!("read {flag} {:?}: {problem}", masked(url)),
                format!("write it like {flag} {example}"),
            )
        };
        let uri: Uri = url.parse().map_err(|_| bad("is no address"))?;
        let is_secure = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(bad("does not begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| bad("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("names a user, and a node asks for a key, in CARILLON_API_KEY"));
        }
        let usual = if is_secure { ":443" } else { ":80" };
        let port = authority.port_u16().map_or(usual, |_| "");
        Ok(Self {
            is_secure,
            authority: format!("{authority}{port}"),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The full address of `path` on that node.
    pub(super) fn url(&self, scheme: &str, path: &str) -> String {
        let prefix = self.prefix.strip_suffix(path).unwrap_or(&self.prefix);
        let secure = if self.is_secure { "s" } else { "" };
        format!("{scheme}{secure}://{}{prefix}{path}", self.authority)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

/// Without user and password, should there be any.
fn masked(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("(hidden)@{rest}"),
        None => url.to_owned(),
    }
}

/// A query of these pairs, percent-encoded.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| {
        format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    //! Which addresses are understood.

    use super::*;

    #[test]
    fn a_path_that_is_ours_already_is_not_repeated() {
        let parse = |url| Remote::parse("--to", url, "http://127.0.0.1:8001").unwrap();
        for url in ["http://a:1", "http://a:1/", "http://a:1/v1/tasks", "http://a:1/v1/tasks/"] {
            assert_eq!(parse(url).url("http", "/v1/tasks"), "http://a:1/v1/tasks");
        }
        assert_eq!(parse("http://a/x").url("ws", "/ws"), "ws://a:80/x/ws");
        assert_eq!(parse("https://a/x").url("ws", "/ws"), "wss://a:443/x/ws");
    }

    #[test]
    fn what_is_no_node_is_refused_as_a_bad_argument_without_its_password() {
        for url in
            ["redis://a", "127.0.0.1:8001", "ftp://u:s3cret@a", "u:s3cret@a", "http://u:s3cret@a"]
        {
            let failure = Remote::parse("--to", url, "http://127.0.0.1:8001").unwrap_err();
            let mut said = Vec::new();
            assert_eq!(failure.report(&mut said), crate::Exit::Usage);
            let said = String::from_utf8(said).unwrap();
            assert!(said.contains("hint: write it like") && !said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn a_query_says_a_cursor_in_full() {
        let pairs = [("user", "5"), ("since", "user:5@/notice:k-1")];
        assert_eq!(query(&pairs), "user=5&since=user%3A5%40%2Fnotice%3Ak%2D1");
    }
}
