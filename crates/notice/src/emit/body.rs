//! The body's fields as they are written, and what each may be.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::EmitError;
use crate::json::Json;

/// Null leaves a field out, but for `data`, which may be null, and for whom it is meant: a variable that
/// was empty makes no audience larger.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    pub(super) to: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    pub(super) except: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) namespace: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) event: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) args: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) binary: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) scope: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) volatile: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) ack: Option<&'a RawValue>,
}

/// A field that is there, null or not.
pub(super) fn given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// An object with known fields only.
pub(super) fn object<'a, T: Deserialize<'a>>(
    field: &'static str,
    json: &'a RawValue,
) -> Result<T, EmitError> {
    match Json::of(json) {
        Json::Object => serde_json::from_str(json.get())
            .map_err(|error| EmitError::Fields { field, cause: error.to_string() }),
        other => Err(EmitError::field(field, other.name(), "an object")),
    }
}

pub(super) fn text<'a>(field: &'static str, json: &'a RawValue) -> Result<Cow<'a, str>, EmitError> {
    match Json::of(json) {
        Json::Text(text) => Ok(text),
        other => Err(EmitError::field(field, other.name(), "a string")),
    }
}

pub(super) fn flag(field: &'static str, json: Option<&RawValue>) -> Result<bool, EmitError> {
    match json.map(RawValue::get) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => {
            let got = json.map_or("nothing", |json| Json::of(json).name());
            Err(EmitError::field(field, got, "true or false"))
        }
    }
}

pub(super) fn list<'a, T: Deserialize<'a>>(
    field: &'static str,
    json: &'a RawValue,
) -> Result<Vec<T>, EmitError> {
    match Json::of(json) {
        Json::Array => serde_json::from_str(json.get())
            .map_err(|error| EmitError::Fields { field, cause: error.to_string() }),
        other => Err(EmitError::field(field, other.name(), "an array")),
    }
}

/// The text of an id: a string, or a number's decimal text as it is written, without an exponent.
pub fn id_text<'a>(field: &'static str, json: &'a RawValue) -> Result<Cow<'a, str>, EmitError> {
    let json = Json::of(json);
    let expected = "a string or a number without an exponent";
    json.id().ok_or_else(|| EmitError::field(field, json.name(), expected))
}

/// As much of a caller's own words as an error repeats.
pub(super) fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}
