//! Which web pages may connect: the `Origin` header against the settings.

use thiserror::Error;

/// The allowed origins. Empty: a page may only connect to the host it came from.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<Pattern>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Pattern {
    /// `https://app.example.com`, compared whole.
    Exact(String),
    /// From `*.example.com`: any host that ends in `.example.com`, on any scheme and port.
    Under(String),
}

/// Why a text cannot be an allowed origin.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("origin {text:?} is neither like https://app.example.com nor like *.example.com")]
pub struct OriginError {
    text: String,
}

impl Origins {
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, OriginError> {
        texts.iter().map(|text| Pattern::parse(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a page from `origin` may talk to `host` (the request's `Host` header). Where the node itself speaks
    /// TLS, a page that came without is not from here, whoever put it into the user's browser.
    pub(crate) fn allow(&self, origin: &str, host: Option<&str>, is_tls: bool) -> bool {
        let origin = origin.to_ascii_lowercase();
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let same = host.is_some_and(|host| {
            without_default_port(scheme, authority)
                == without_default_port(scheme, &host.to_ascii_lowercase())
        });
        let is_from_here = same && (!is_tls || scheme == "https");
        is_from_here || self.0.iter().any(|pattern| pattern.matches(&origin, authority))
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, OriginError> {
        let bad = || OriginError { text: text.to_owned() };
        let lower = text.to_ascii_lowercase();
        if let Some(domain) = lower.strip_prefix("*.") {
            let plain = !domain.is_empty() && !domain.contains(['*', '/', ':', ' ']);
            return plain.then(|| Self::Under(format!(".{domain}"))).ok_or_else(bad);
        }
        let (scheme, authority) = lower.split_once("://").ok_or_else(bad)?;
        let plain = !scheme.is_empty() && !authority.is_empty();
        (plain && !authority.contains(['*', '/', ' ']))
            .then(|| Self::Exact(lower.clone()))
            .ok_or_else(bad)
    }

    fn matches(&self, origin: &str, authority: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == origin,
            Self::Under(suffix) => host_of(authority).ends_with(suffix.as_str()),
        }
    }
}

fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let default = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return authority,
    };
    authority.strip_suffix(default).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::Origins;

    #[test]
    fn with_no_settings_only_the_same_origin_is_allowed() {
        let none = Origins::default();
        assert!(none.allow("http://127.0.0.1:8000", Some("127.0.0.1:8000"), false));
        assert!(none.allow("https://example.com", Some("example.com:443"), false));
        assert!(!none.allow("http://127.0.0.1:8001", Some("127.0.0.1:8000"), false));
        assert!(!none.allow("null", Some("127.0.0.1:8000"), false));
        assert!(!none.allow("https://example.com", None, false));
    }

    #[test]
    fn where_the_node_speaks_tls_a_page_that_came_without_is_of_another_origin() {
        let (none, host) = (Origins::default(), Some("example.com"));
        assert!(none.allow("https://example.com", host, true));
        assert!(!none.allow("http://example.com", host, true));
        assert!(none.allow("http://example.com", host, false));
        let some = Origins::parse(&["http://example.com"]).unwrap();
        assert!(some.allow("http://example.com", host, true));
    }

    #[test]
    fn a_wildcard_allows_subdomains_but_neither_the_domain_nor_its_lookalikes() {
        let some = Origins::parse(&["*.example.com"]).unwrap();
        assert!(some.allow("https://a.example.com", Some("push.test"), false));
        assert!(some.allow("http://a.b.example.com:8080", Some("push.test"), false));
        assert!(!some.allow("https://example.com", Some("push.test"), false));
        assert!(!some.allow("https://evilexample.com", Some("push.test"), false));
        assert!(!some.allow("https://a.example.com.evil.test", Some("push.test"), false));
    }

    #[test]
    fn an_exact_origin_is_compared_whole() {
        let some = Origins::parse(&["https://App.example.com"]).unwrap();
        assert!(some.allow("https://app.example.com", None, false));
        assert!(!some.allow("http://app.example.com", None, false));
        assert!(!some.allow("https://app.example.com:444", None, false));
    }

    #[test]
    fn what_is_no_origin_is_refused_by_name() {
        for text in ["example.com", "*", "*.", "https://", "https://*.example.com", "https://a/b"] {
            assert!(Origins::parse(&[text]).is_err(), "{text}");
        }
    }
}
