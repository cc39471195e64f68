//! What a client says to get its seat back: `pid` and `offset` in its `auth`.

use adapter::SeatKey;
use serde::Deserialize;
use serde_json::Value;

use super::{of, offset::Offset};
use crate::engine::Session;

#[derive(Debug)]
pub(crate) struct Claim {
    pub(super) key: SeatKey,
    /// It has heard no event yet, or none of ours.
    pub(super) offset: Offset,
}

#[derive(Deserialize)]
struct Said {
    pid: Option<Value>,
    offset: Option<Value>,
}

impl Claim {
    /// What stock clients since 4.6 say, who had a `pid` from us. A page's own words of that name are not meant.
    pub(crate) fn read(session: &Session, auth: Option<&str>) -> Option<Self> {
        of(session)?;
        let Said { pid, offset } = serde_json::from_str(auth?).ok()?;
        let key = SeatKey::new(pid.as_ref()?.as_str()?)?;
        let offset = offset.as_ref().and_then(Value::as_str).and_then(Offset::read);
        Some(Self { key, offset: offset.unwrap_or_default() })
    }
}
