//! A URL's query, read once into pairs.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

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

    /// All pairs, decoded.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            Some((decoded(key).into_owned(), decoded(value).into_owned()))
        };
        self.0.split('&').filter_map(pair).collect()
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
    fn all_pairs_are_decoded_in_their_order() {
        let pairs = Query::new("b=1&a%20b=c+d&x&=").pairs();
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("b", "1"), ("a b", "c d"), ("", "")]);
    }
}
