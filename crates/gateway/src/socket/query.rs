//! A URL's query, read once into pairs.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The names in a transport's query that a namespace may need later.
const KEPT: [&str; 4] = ["user", "userIdentity", "room", "since"];

/// `name=value` pairs in their order. Percent-encoding is undone; `+` is a space.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The first non-empty value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.0.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name && !value.is_empty()).then(|| decoded(value))
        })
    }

    /// The query itself, if a namespace may find something in it.
    pub(crate) fn kept(&self) -> Option<Box<str>> {
        KEPT.iter().any(|name| self.get(name).is_some()).then(|| self.0.into())
    }
}

fn decoded(value: &str) -> Cow<'_, str> {
    if value.contains('+') {
        let spaced = value.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(value).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn values_are_decoded_and_empty_ones_do_not_count() {
        let query = Query::new("EIO=4&user=&user=a%40b&room=r+1&x");
        assert_eq!(query.get("user").as_deref(), Some("a@b"));
        assert_eq!(query.get("room").as_deref(), Some("r 1"));
        assert_eq!(query.get("x"), None);
    }

    #[test]
    fn a_query_that_names_nobody_is_not_kept() {
        assert_eq!(Query::new("EIO=4&transport=polling&t=abc").kept(), None);
        assert!(Query::new("EIO=4&userIdentity=5").kept().is_some());
    }
}
