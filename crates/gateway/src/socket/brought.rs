//! What a client brought with the request that opened its transport, kept for the namespaces that it joins
//! later: as little as the gate may need.

use http::{HeaderMap, HeaderValue, header};

use super::query::Query;
use crate::config::Showing;

/// The names in a transport's query that a namespace may need.
const KEPT: [&str; 5] = ["user", "userIdentity", "room", "since", "token"];

/// Absent for a client that brought nothing of use.
#[derive(Debug)]
pub(crate) struct Brought {
    query: Box<str>,
    /// From the header `Authorization`, or else the cookie that the settings name.
    token: Option<Box<str>>,
    /// Those that the backend is shown.
    headers: Vec<(String, String)>,
}

impl Brought {
    pub(crate) fn of(showing: &Showing, headers: &HeaderMap, query: &str) -> Option<Box<Self>> {
        let names_something = KEPT.iter().any(|name| Query::new(query).get(name).is_some());
        let keep = names_something || showing.all && !query.is_empty();
        let token = bearer(headers).or_else(|| cookie(headers, showing.cookie.as_deref()?));
        let brought = Self {
            query: if keep { query.into() } else { Box::default() },
            token: token.filter(|_| showing.token).map(Box::from),
            headers: showing.headers.iter().filter_map(|name| named(headers, name)).collect(),
        };
        let is_empty =
            brought.query.is_empty() && brought.token.is_none() && brought.headers.is_empty();
        (!is_empty).then(|| Box::new(brought))
    }

    pub(crate) fn query(&self) -> Query<'_> {
        Query::new(&self.query)
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn named(headers: &HeaderMap, name: &str) -> Option<(String, String)> {
    let value = headers.get(name).and_then(text)?;
    Some((name.to_owned(), value.to_owned()))
}

/// `Authorization: Bearer …` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers.get(header::AUTHORIZATION)?)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The first cookie of that name (RFC 6265 §5.4: the one with the longest path comes first).
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(text);
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    //! What is kept of a request.

    use super::*;

    fn showing() -> Showing {
        Showing { token: true, cookie: Some("session".into()), headers: Vec::new(), all: false }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn token(pairs: &[(&'static str, &'static str)]) -> Option<String> {
        let brought = Brought::of(&showing(), &headers(pairs), "")?;
        brought.token().map(str::to_owned)
    }

    #[test]
    fn a_token_is_found_in_the_header_or_the_cookie_in_this_order() {
        assert_eq!(token(&[("authorization", "Bearer abc")]).as_deref(), Some("abc"));
        assert_eq!(token(&[("authorization", "bearer abc")]).as_deref(), Some("abc"));
        assert_eq!(token(&[("cookie", "a=b; session=abc; c=d")]).as_deref(), Some("abc"));
        let both = [("cookie", "session=cookie"), ("authorization", "Bearer header")];
        assert_eq!(token(&both).as_deref(), Some("header"));
        for none in [("authorization", "Basic abc"), ("cookie", "sessions=abc"), ("cookie", "")] {
            assert_eq!(token(&[none]), None, "{none:?}");
        }
    }

    #[test]
    fn where_nobody_asks_for_tokens_none_is_kept() {
        let showing = Showing { token: false, ..showing() };
        let brought = Brought::of(&showing, &headers(&[("authorization", "Bearer abc")]), "x=y");
        assert!(brought.is_none());
    }

    #[test]
    fn a_query_is_kept_if_it_names_something_or_a_backend_is_shown_all() {
        let kept = |showing: &Showing, query| Brought::of(showing, &HeaderMap::new(), query);
        assert!(kept(&showing(), "EIO=4&transport=polling&t=abc").is_none());
        assert!(kept(&showing(), "EIO=4&userIdentity=5").is_some());
        assert!(kept(&Showing { all: true, ..showing() }, "EIO=4&ticket=5").is_some());
    }
}
