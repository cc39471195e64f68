//! What a plain WebSocket client says: `{"event","args","ack"}`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    departure::Departure,
    encoded::Encoded,
    engine::Session,
    events::Dropped,
    frames_of,
    socket::{Call, Message, handle},
};

#[derive(Deserialize)]
struct Said<'a> {
    event: String,
    #[serde(borrow, default)]
    args: Vec<&'a RawValue>,
    ack: Option<i64>,
}

/// Takes one message. What is none is answered with an error; the client may go on.
pub(crate) async fn take_in(session: &Arc<Session>, message: Message) -> Result<(), Departure> {
    let Message::Text(text) = message else { return Err(Departure::BadPacket) };
    let Ok(said) = serde_json::from_str::<Said<'_>>(text.as_str()) else {
        session.shared.events.dropped(Dropped::Malformed);
        let error = r#"{"error":{"code":"malformed","message":"expected {\"event\":\"…\",\"args\":[…],\"ack\":1}"}}"#;
        session.send(&Encoded::text_only(error), None);
        return Ok(());
    };
    let Some(seat) = session.seats.all().into_iter().next() else { return Ok(()) };
    let args = said.args.iter().map(|arg| arg.get()).collect::<Vec<_>>().join(",");
    let call = Call { event: said.event, args, attachments: Vec::new() };
    let handled = handle(&seat, call).await;
    if let Some(ack) = said.ack {
        session.send(&frames_of::ack(&seat, ack, &handled.args, handled.attachments), None);
    }
    Ok(())
}
