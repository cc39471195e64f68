//! Who may use the internal port, and for what.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, header, uri::Authority};
use subtle::ConstantTimeEq as _;

use crate::{
    node::{keyring::Keys, routes::Need},
    settings::{ApiKey, Internal, Scope},
};

/// The keys, and what is asked for.
#[derive(Debug)]
pub(super) struct Admission {
    keys: Keys,
    /// Keys are asked for, although at the moment there may be none.
    asks: bool,
    /// A certificate is asked for, beside them.
    asks_certificate: bool,
}

/// Who calls, as far as that is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Caller {
    /// Whoever is on this machine, where no key is asked for.
    Local,
    /// The name of a key.
    Key(Arc<str>),
}

/// Why a call is not let in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    NoKey,
    UnknownKey,
    /// The key is known, by this name, and is not for this.
    OutOfScope {
        key: Arc<str>,
        scope: Scope,
    },
    /// No root of `internal.tls.client_ca` has signed for it.
    NoCertificate,
    /// A web page of another origin sent it.
    Foreign,
}

impl Admission {
    pub(super) fn new(config: &Internal, keys: Keys) -> Self {
        let asks = !config.api_keys.is_empty() || config.api_key_files.is_some();
        let asks_certificate = config.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
        Self { keys, asks, asks_certificate }
    }

    pub(super) fn judge(
        &self,
        need: Need,
        is_certified: bool,
        headers: &HeaderMap,
    ) -> Result<Caller, Refusal> {
        let scope = match need {
            Need::Nothing => return Ok(Caller::Local),
            _ if self.asks_certificate && !is_certified => return Err(Refusal::NoCertificate),
            Need::Key => None,
            Need::Scope(scope) => Some(scope),
        };
        if !self.asks {
            return if is_foreign(headers) { Err(Refusal::Foreign) } else { Ok(Caller::Local) };
        }
        let given = key_of(headers).ok_or(Refusal::NoKey)?;
        let keys = self.keys.borrow();
        let key = find(&keys, given).ok_or(Refusal::UnknownKey)?;
        let name = Arc::clone(key.name());
        match scope {
            Some(scope) if !key.may(scope) => Err(Refusal::OutOfScope { key: name, scope }),
            _ => Ok(Caller::Key(name)),
        }
    }
}

impl Caller {
    /// How the audit calls it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Key(name) => name,
        }
    }
}

/// Compares with every key, in a time that tells neither how far one agrees nor which. Of equal keys
/// the first counts.
fn find<'a>(keys: &'a [ApiKey], given: &[u8]) -> Option<&'a ApiKey> {
    keys.iter().fold(None, |found, key| {
        let is_it = bool::from(key.as_bytes().ct_eq(given));
        found.or(is_it.then_some(key))
    })
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
    let of = |origin: &str| {
        origin
            .split_once("://")
            .is_some_and(|(scheme, of)| ["http", "https"].contains(&scheme) && of == host)
    };
    let other = origin.is_some_and(|origin| !of(origin));
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
    use tokio::sync::watch;

    use super::*;
    use crate::settings::Settings;

    const KEY: &str = "0123456789abcdef";
    const READ: Need = Need::Scope(Scope::Read);

    fn admission(keys: &str) -> Admission {
        let config = Settings::of([("internal.api_keys", keys)]).into_config().unwrap();
        let (_, keys) = watch::channel(config.internal.api_keys.clone().into());
        Admission::new(&config.internal, keys)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_key_is_taken_in_either_header_and_no_other_key() {
        let admission = admission(&format!("another-key-of-16-b,{KEY}"));
        let judge = |name, value: &str| admission.judge(READ, false, &headers(&[(name, value)]));
        let known = Ok(Caller::Key("#2".into()));
        assert_eq!(judge("x-api-key", KEY), known);
        assert_eq!(judge("authorization", &format!("Bearer {KEY}")), known);
        assert_eq!(judge("authorization", &format!("bearer {KEY}")), known);
        for bad in ["", "0123456789abcdeX", "0123456789abcde", "0123456789abcdef0"] {
            assert_eq!(judge("x-api-key", bad), Err(Refusal::UnknownKey), "{bad}");
        }
        assert_eq!(judge("authorization", KEY), Err(Refusal::NoKey));
        assert_eq!(admission.judge(READ, false, &headers(&[])), Err(Refusal::NoKey));
    }

    #[test]
    fn a_key_is_for_what_its_scopes_say() {
        let admission = admission(&format!("shop:publish:{KEY}"));
        let judge = |need| admission.judge(need, false, &headers(&[("x-api-key", KEY)]));
        let shop: Arc<str> = "shop".into();
        assert_eq!(judge(Need::Scope(Scope::Publish)), Ok(Caller::Key(Arc::clone(&shop))));
        assert_eq!(judge(Need::Key), Ok(Caller::Key(Arc::clone(&shop))));
        for scope in [Scope::Read, Scope::Admin] {
            let refusal = Refusal::OutOfScope { key: Arc::clone(&shop), scope };
            assert_eq!(judge(Need::Scope(scope)), Err(refusal));
        }
    }

    #[test]
    fn of_equal_keys_the_first_counts() {
        let keys = format!("one:read:{KEY},two:admin:{KEY}");
        let judged = admission(&keys).judge(READ, false, &headers(&[("x-api-key", KEY)]));
        assert_eq!(judged, Ok(Caller::Key("one".into())));
    }

    #[test]
    fn what_is_open_asks_for_no_key() {
        assert!(admission(KEY).judge(Need::Nothing, false, &headers(&[])).is_ok());
    }

    #[test]
    fn without_keys_a_page_of_another_origin_is_turned_away() {
        let admission = admission("");
        let judge =
            |pairs: &[(&'static str, &str)]| admission.judge(READ, false, &headers(pairs)).is_ok();
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
