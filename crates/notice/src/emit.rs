//! What a backend sends: the body of `POST /v1/emit`, alike by HTTP and by the workers' roads.
//!
//! May not enter: whether its namespace is served, and who answers. Promise: nothing that it names is
//! passed over, so that a mistake never makes an audience larger.

mod ack;
mod binary;
mod body;
mod downlink;
mod error;
mod to;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use serde_json::value::RawValue;

use self::body::Body;
pub use self::{body::id_text, error::EmitError};
use crate::{
    audience::{Audience, Scope},
    depth,
    draft::{Draft, Kind, Origin},
    event::EventName,
    message::PAYLOAD_BYTES_MAX,
    names::Namespace,
    narrowing::Narrowing,
    payload::Payload,
};

/// A checked emit.
#[derive(Clone, Debug)]
pub struct Emit {
    pub draft: Draft,
    /// For the sockets of the node that was called, and no other.
    pub is_local: bool,
    /// How long each socket's acknowledgement is waited for, if it is.
    pub ack: Option<Duration>,
}

impl Emit {
    pub fn read(json: &[u8], handed_in: SystemTime) -> Result<Self, EmitError> {
        let body: Body<'_> = body::object("the body", checked(json)?)?;
        let ack = body.ack.map(ack::read).transpose()?;
        let is_volatile = body::flag("volatile", body.volatile)?;
        if ack.is_some() && is_volatile {
            return Err(EmitError::Both("volatile", "ack"));
        }
        let (scope, narrowing) = to::read(body.to, body.except)?;
        let draft = Draft {
            audience: Audience { namespace: namespace(&body)?, scope },
            event: event(&body)?,
            payload: payload(&body)?,
            narrowing: (!narrowing.is_empty()).then(|| Arc::new(narrowing)),
            kind: if is_volatile { Kind::Volatile } else { Kind::Plain },
            origin: Origin::Backend,
            handed_in,
            trace: None,
        };
        let is_one = matches!(draft.audience.scope, Scope::Socket(_));
        if draft.event.is_none() && !is_one {
            return Err(EmitError::NoEvent);
        }
        Ok(Self { draft, is_local: is_local(&body)?, ack })
    }

    /// Reads the body of `POST /v1/downlink`, which says less and in another form.
    pub fn read_downlink(json: &[u8], handed_in: SystemTime) -> Result<Draft, EmitError> {
        downlink::read(json, handed_in)
    }

    /// The draft, for a road on which nobody waits for an answer and no node is chosen. One socket is
    /// everyone, narrowed to it: the bus does not know whose it is.
    pub fn into_draft(self) -> Result<Draft, EmitError> {
        let mut draft = self.draft;
        if self.ack.is_some() {
            return Err(EmitError::Unsupported { field: "ack" });
        }
        if self.is_local {
            return Err(EmitError::Unsupported { field: "scope: \"local\"" });
        }
        if let Scope::Socket(id) = &draft.audience.scope {
            let narrowing = draft.narrowing.as_deref().cloned().unwrap_or_default();
            draft.narrowing = Some(Arc::new(Narrowing { socket: Some(id.clone()), ..narrowing }));
            draft.audience.scope = Scope::Everyone;
        }
        Ok(draft)
    }
}

/// JSON that is not too deep for those who will read it.
fn checked(json: &[u8]) -> Result<&RawValue, EmitError> {
    let whole: &RawValue = serde_json::from_slice(json)
        .map_err(|error| EmitError::Broken { cause: error.to_string() })?;
    if depth::is_too_deep(whole.get()) {
        return Err(EmitError::TooDeep { depth_max: depth::DEPTH_MAX });
    }
    Ok(whole)
}

fn namespace(body: &Body<'_>) -> Result<Namespace, EmitError> {
    let Some(given) = body.namespace else { return Ok(Namespace::root()) };
    let (field, text) = ("namespace", body::text("namespace", given)?);
    Namespace::new(&text).map_err(|cause| EmitError::Name { field, cause })
}

fn event(body: &Body<'_>) -> Result<Option<EventName>, EmitError> {
    let Some(given) = body.event else { return Ok(None) };
    Ok(Some(EventName::new(&body::text("event", given)?)?))
}

fn is_local(body: &Body<'_>) -> Result<bool, EmitError> {
    let Some(given) = body.scope else { return Ok(false) };
    match &*body::text("scope", given)? {
        "cluster" => Ok(false),
        "local" => Ok(true),
        other => Err(EmitError::field("scope", body::short(other), "cluster or local")),
    }
}

fn payload(body: &Body<'_>) -> Result<Payload, EmitError> {
    let args = match (body.data, body.args) {
        (Some(_), Some(_)) => return Err(EmitError::Both("data", "args")),
        (Some(data), None) => data.get().to_owned(),
        (None, Some(args)) => {
            let args: Vec<&RawValue> = body::list("args", args)?;
            args.into_iter().map(RawValue::get).collect::<Vec<_>>().join(",")
        }
        (None, None) => String::new(),
    };
    let is_binary = body::flag("binary", body.binary)?;
    let (args, attachments) = if is_binary { binary::detach(&args)? } else { (args, Vec::new()) };
    sized(args, attachments)
}

fn sized(args: String, attachments: Vec<Bytes>) -> Result<Payload, EmitError> {
    let payload = Payload::joined(Bytes::from(args), attachments).expect("a String is a text");
    let (len_bytes, len_bytes_max) = (payload.len_bytes(), PAYLOAD_BYTES_MAX);
    if len_bytes > len_bytes_max {
        return Err(EmitError::TooLarge { len_bytes, len_bytes_max });
    }
    Ok(payload)
}

#[cfg(test)]
mod tests;
