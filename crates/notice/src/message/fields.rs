//! The few fields of a message that we read, borrowed from its text.
//!
//! Promise: unknown keys, repeated keys and values of any shape are no errors here. Of a repeated key
//! the last counts, as in every browser's `JSON.parse`.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::error::MessageError;

/// A top-level field that has a meaning for us.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Identity,
    UserIdentity,
    User,
    Event,
    Action,
    Status,
    ErrorCode,
    Version,
    Run,
    Emit,
}

const FIELDS: usize = Field::Emit as usize + 1;

/// Where each field's value stands in the message.
#[derive(Default)]
pub(super) struct Fields<'a>([Option<&'a RawValue>; FIELDS]);

/// A field's value, as deep as we look.
#[derive(Debug, PartialEq)]
pub(super) enum Json<'a> {
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

// === impl Field ===

impl Field {
    fn by_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"identity" => Self::Identity,
            b"userIdentity" => Self::UserIdentity,
            b"user" => Self::User,
            b"event" => Self::Event,
            b"action" => Self::Action,
            b"status" => Self::Status,
            b"errorCode" => Self::ErrorCode,
            b"version" => Self::Version,
            b"run" => Self::Run,
            b"emit" => Self::Emit,
            _ => return None,
        })
    }
}

// === impl Fields ===

impl<'a> Fields<'a> {
    /// Finds the fields in a JSON object.
    pub(super) fn read(object: &'a RawValue) -> Result<Self, MessageError> {
        serde_json::from_str(object.get())
            .map_err(|error| MessageError::BrokenJson { cause: error.to_string() })
    }

    /// The value as it is written.
    pub(super) fn raw(&self, field: Field) -> Option<&'a RawValue> {
        self.0[field as usize]
    }

    pub(super) fn get(&self, field: Field) -> Json<'a> {
        self.0[field as usize].map_or(Json::Absent, Json::of)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(field) => fields.0[field as usize] = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

/// A key, if it is one of ours. Read as bytes, for a key need not be text (half a surrogate pair).
struct Key(Option<Field>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Name)
    }
}

struct Name;

impl Visitor<'_> for Name {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Key, E> {
        Ok(Key(Field::by_name(name)))
    }
}

// === impl Json ===

impl<'a> Json<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Self {
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
    pub(super) fn name(&self) -> &'static str {
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
    pub(super) fn is_given(&self) -> bool {
        !matches!(self, Self::Absent | Self::Null) && *self != Self::Text(Cow::Borrowed(""))
    }

    /// The text of an id: a string, or a number's decimal text as written, without an exponent.
    pub(super) fn id(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(text) if !text.contains(['e', 'E']) => Some(Cow::Borrowed(*text)),
            _ => None,
        }
    }

    /// A number's value, unless it is beyond what a float can hold.
    pub(super) fn finite(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
            _ => None,
        }
    }

    /// The value of a number without a fraction, whichever way it is written: `100`, `100.0`, `1e2`.
    pub(super) fn integer(&self) -> Option<i64> {
        let Self::Number(text) = self else { return None };
        if let Ok(integer) = text.parse() {
            return Some(integer);
        }
        let value = self.finite()?;
        (value.fract() == 0.0).then(|| format!("{value:.0}").parse().ok())?
    }

    /// Whether an error code says "no error".
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Absent | Self::Null => true,
            Self::Text(text) => text.is_empty() || text == "0",
            Self::Number(_) => self.finite() == Some(0.0),
            _ => false,
        }
    }
}
