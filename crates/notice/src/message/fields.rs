//! The few fields of a message that we read, borrowed from its text.
//!
//! Promise: unknown keys, repeated keys and values of any shape are no errors here. Of a repeated key
//! the last counts, as in every browser's `JSON.parse`.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::error::MessageError;
use crate::json::Json;

/// A top-level field that has a meaning for us.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Identity,
    UserIdentity,
    Event,
    Action,
    Status,
    ErrorCode,
    Version,
    Run,
    Emit,
    Traceparent,
    Tracestate,
}

const FIELDS: usize = Field::Tracestate as usize + 1;

/// Where each field's value stands in the message.
#[derive(Default)]
pub(super) struct Fields<'a>([Option<&'a RawValue>; FIELDS]);

// === impl Field ===

impl Field {
    fn by_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"identity" => Self::Identity,
            b"userIdentity" => Self::UserIdentity,
            b"event" => Self::Event,
            b"action" => Self::Action,
            b"status" => Self::Status,
            b"errorCode" => Self::ErrorCode,
            b"version" => Self::Version,
            b"run" => Self::Run,
            b"emit" => Self::Emit,
            b"traceparent" => Self::Traceparent,
            b"tracestate" => Self::Tracestate,
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
