//! The messages of the gateway's own making, in the form of each dialect.

use std::sync::Arc;

use adapter::Gap;
use bytes::Bytes;
use notice::Namespace;
use socketioxide_core::{Str, Value, packet::Packet};

use crate::{encoded::Encoded, engine::Dialect, forms::quoted, seat::Seat};

/// `["event",<json>]`, or its plain forms.
pub(crate) fn event(
    dialect: Dialect,
    namespace: &Namespace,
    event: &str,
    json: &str,
) -> Arc<Encoded> {
    let event = quoted(event);
    let plain = || format!("{{\"event\":{event},\"args\":[{json}]}}");
    match dialect {
        Dialect::Engine3 { .. } | Dialect::Engine4 => {
            let args = Value::Str(format!("[{event},{json}]").into(), None);
            Encoded::packet(Packet::event(Str::copy_from_slice(namespace.as_str()), args))
        }
        Dialect::PlainWebSocket => Encoded::text_only(&plain()),
        Dialect::EventStream => Encoded::text_only(&format!("data: {}\n\n", plain())),
    }
}

/// `notice.gap` `{"since","oldest"}`: something after the cursor is no longer kept.
pub(crate) fn gap(dialect: Dialect, namespace: &Namespace, gap: &Gap) -> Arc<Encoded> {
    let since = quoted(&gap.since.to_string());
    let oldest = gap.oldest.as_ref().map_or_else(|| "null".into(), |id| quoted(&id.to_string()));
    let json = format!("{{\"since\":{since},\"oldest\":{oldest}}}");
    event(dialect, namespace, "notice.gap", &json)
}

/// The answer to a request for an acknowledgement: `json` is the list of its arguments.
pub(crate) fn ack(seat: &Seat, ack: i64, json: &str, attachments: Vec<Bytes>) -> Arc<Encoded> {
    match seat.session.dialect {
        Dialect::Engine3 { .. } | Dialect::Engine4 => {
            let attachments = (!attachments.is_empty()).then(|| attachments.into());
            let args = Value::Str(json.to_owned().into(), attachments);
            let namespace = Str::copy_from_slice(seat.namespace.as_str());
            Encoded::packet(Packet::ack(namespace, args, ack))
        }
        Dialect::PlainWebSocket | Dialect::EventStream => {
            Encoded::text_only(&format!("{{\"ack\":{ack},\"args\":{json}}}"))
        }
    }
}
