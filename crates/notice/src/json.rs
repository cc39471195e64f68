//! One JSON value, as deep as we look: what it is, and what it says where it is a text or a number.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// A field's value, as deep as we look.
#[derive(Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Absent,
    Null,
    Bool,
    /// As written, which is a JSON number.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A string with half of a surrogate pair in it: JSON, and no text.
    BrokenText,
    Object,
    Array,
}

impl<'a> Json<'a> {
    pub(crate) fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') if text.contains('\\') => match serde_json::from_str(text) {
                Ok(unescaped) => Self::Text(Cow::Owned(unescaped)),
                Err(_) => Self::BrokenText,
            },
            Some(b'"') => Self::Text(Cow::Borrowed(text.trim_matches('"'))),
            _ => Self::Number(text),
        }
    }

    /// What it is, in words and without its content.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Absent => "nothing",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::BrokenText => "a string with half of a surrogate pair",
            Self::Object => "an object",
            Self::Array => "an array",
        }
    }

    /// Whether an optional field says something: null and the empty string do not.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self, Self::Absent | Self::Null) && *self != Self::Text(Cow::Borrowed(""))
    }

    /// The text of an id: a string, or a number's decimal text as written, without an exponent.
    pub(crate) fn id(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(text) if !text.contains(['e', 'E']) => Some(Cow::Borrowed(*text)),
            _ => None,
        }
    }

    /// A number's value, unless it is beyond what a float can hold.
    pub(crate) fn finite(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
            _ => None,
        }
    }

    /// The value of a number without a fraction, whichever way it is written: `100`, `100.0`, `1e2`.
    pub(crate) fn integer(&self) -> Option<i64> {
        let Self::Number(text) = self else { return None };
        if let Ok(integer) = text.parse() {
            return Some(integer);
        }
        let value = self.finite()?;
        (value.fract() == 0.0).then(|| format!("{value:.0}").parse().ok())?
    }

    /// Whether an error code says "no error".
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Absent | Self::Null => true,
            Self::Text(text) => text.is_empty() || text == "0",
            Self::Number(_) => self.finite() == Some(0.0),
            _ => false,
        }
    }
}
