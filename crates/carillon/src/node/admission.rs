//! Who may use the internal port.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header, uri::Authority};
use subtle::{Choice, ConstantTimeEq as _};

use crate::{
    node::{answer::Problem, page},
    settings::{ApiKey, Internal},
};

/// What is told to everyone: no secrets, no users. The document is the same on every node of a release and
/// published with it; tools that read it have no key.
const OPEN_PATHS: [&str; 4] = ["/livez", "/readyz", "/metrics", "/openapi.json"];

/// The keys, and whether the port is on loopback.
#[derive(Debug)]
pub(super) struct Admission {
    api_keys: Vec<ApiKey>,
    is_loopback: bool,
}

impl Admission {
    pub(super) fn new(config: &Internal, addr: SocketAddr) -> Self {
        let is_loopback = addr.ip().to_canonical().is_loopback();
        Self { api_keys: config.api_keys.clone(), is_loopback }
    }

    pub(super) fn judge(&self, path: &str, headers: &HeaderMap) -> Result<(), Problem> {
        if OPEN_PATHS.contains(&path) || self.is_loopback && page::PATHS.contains(&path) {
            return Ok(());
        }
        if self.api_keys.is_empty() {
            return if is_foreign(headers) { Err(Problem::Foreign) } else { Ok(()) };
        }
        let known = key_of(headers).is_some_and(|key| self.knows(key));
        if known { Ok(()) } else { Err(Problem::NoKey) }
    }

    /// Compares with every key, in a time that tells nothing of how far one agrees.
    fn knows(&self, given: &[u8]) -> bool {
        let none = Choice::from(0);
        let found =
            self.api_keys.iter().fold(none, |found, key| found | key.as_bytes().ct_eq(given));
        found.into()
    }
}

fn key_of(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(key) = headers.get("x-api-key") {
        return Some(key.as_bytes());
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}

/// Whether a browser sends this for a page of another origin, or for one whose name was pointed at
/// this machine. Without keys, that is all that stands between the two.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text =
        |name| headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap_or(""));
    let Some(host) = text(header::HOST) else { return text(header::ORIGIN).is_some() };
    let origin = text(header::ORIGIN);
    let other = origin.is_some_and(|origin| origin.strip_prefix("http://") != Some(host));
    other || !is_local_name(host)
}

fn is_local_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    //! Who gets in.

    use http::HeaderValue;

    use super::*;
    use crate::settings::Settings;

    const KEY: &str = "0123456789abcdef";

    fn admission(keys: &str, addr: &str) -> Admission {
        let config = Settings::of([("internal.api_keys", keys)]).into_config().unwrap();
        Admission::new(&config.internal, addr.parse().unwrap())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_key_is_taken_in_either_header_and_no_other_key() {
        let admission = admission(&format!("another-key-of-16-b,{KEY}"), "127.0.0.1:1");
        let judge =
            |name, value: &str| admission.judge("/v1/tasks", &headers(&[(name, value)])).is_ok();
        assert!(judge("x-api-key", KEY));
        assert!(judge("authorization", &format!("Bearer {KEY}")));
        assert!(judge("authorization", &format!("bearer {KEY}")));
        for bad in ["", "0123456789abcdeX", "0123456789abcde", "0123456789abcdef0"] {
            assert!(!judge("x-api-key", bad), "{bad}");
        }
        assert!(!judge("authorization", KEY));
        assert!(admission.judge("/v1/tasks", &headers(&[])).is_err());
    }

    #[test]
    fn health_and_metrics_ask_for_no_key() {
        let admission = admission(KEY, "10.0.0.1:1");
        for path in OPEN_PATHS {
            assert!(admission.judge(path, &headers(&[])).is_ok());
        }
        assert!(admission.judge("/", &headers(&[])).is_err());
    }

    #[test]
    fn the_page_asks_for_no_key_on_loopback() {
        assert!(admission(KEY, "127.0.0.1:1").judge("/", &headers(&[])).is_ok());
    }

    #[test]
    fn without_keys_a_page_of_another_origin_is_turned_away() {
        let admission = admission("", "127.0.0.1:8001");
        let judge =
            |pairs: &[(&'static str, &str)]| admission.judge("/v1/tasks", &headers(pairs)).is_ok();
        let host = ("host", "127.0.0.1:8001");
        assert!(judge(&[host]));
        assert!(judge(&[host, ("origin", "http://127.0.0.1:8001")]));
        assert!(judge(&[("host", "localhost:8001"), ("origin", "http://localhost:8001")]));
        assert!(judge(&[("host", "[::1]:8001")]));
        assert!(!judge(&[host, ("origin", "https://evil.example")]));
        assert!(!judge(&[host, ("origin", "null")]));
        assert!(!judge(&[("host", "evil.example:8001"), ("origin", "http://evil.example:8001")]));
    }
}
