//! `"ack":{"timeout":"5s"}`: how long an acknowledgement is waited for.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    body::{object, short, text},
    error::EmitError,
};
use crate::span::duration;

const WAIT_MAX: Duration = Duration::from_mins(1);
/// Where nothing is said.
const WAIT: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted<'a> {
    #[serde(borrow, default)]
    timeout: Option<&'a RawValue>,
}

pub(super) fn read(json: &RawValue) -> Result<Duration, EmitError> {
    let Wanted { timeout: Some(timeout) } = object("ack", json)? else { return Ok(WAIT) };
    let text = text("ack.timeout", timeout)?;
    let wait = duration(&text).filter(|wait| !wait.is_zero() && *wait <= WAIT_MAX);
    wait.ok_or_else(|| EmitError::field("ack.timeout", short(&text), "between 1ms and 60s"))
}
