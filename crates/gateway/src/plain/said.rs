//! What a plain WebSocket client says: `{"event","args","ack"}`, and `{"ack","args"}` where it was asked.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    asked,
    departure::Departure,
    encoded::Encoded,
    engine::Session,
    events::Dropped,
    socket::{Call, Message, answer},
};

#[derive(Deserialize)]
struct Said<'a> {
    event: Option<String>,
    #[serde(borrow, default)]
    args: Vec<&'a RawValue>,
    ack: Option<i64>,
}

const MALFORMED: &str = r#"{"error":{"code":"malformed","message":"expected {\"event\":\"…\",\"args\":[…],\"ack\":1}, or {\"ack\":1,\"args\":[…]} for an answer"}}"#;

/// Takes one message. What is none is answered with an error; the client may go on.
pub(crate) async fn take_in(session: &Arc<Session>, message: Message) -> Result<(), Departure> {
    let Message::Text(text) = message else { return Err(Departure::BadPacket) };
    let said = serde_json::from_str::<Said<'_>>(text.as_str());
    let Ok(Said { event, args, ack }) = said else {
        malformed(session);
        return Ok(());
    };
    let Some(seat) = session.seats.all().into_iter().next() else { return Ok(()) };
    let args = args.iter().map(|arg| arg.get()).collect::<Vec<_>>().join(",");
    let event = match (event, ack) {
        (Some(event), _) => event,
        (None, Some(number)) => {
            let answer = asked::take(&seat, number, &format!("[{args}]"), &[]);
            return answer.ok_or(Departure::BadPacket);
        }
        (None, None) => {
            malformed(session);
            return Ok(());
        }
    };
    let call = Call { event, args, attachments: Vec::new() };
    answer(&seat, call, ack).await;
    Ok(())
}

fn malformed(session: &Arc<Session>) {
    session.shared.events.dropped(Dropped::Malformed);
    session.send(&Encoded::text_only(MALFORMED));
}
