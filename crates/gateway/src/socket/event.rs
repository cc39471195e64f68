//! What a client says to the server, and who handles it.

use std::sync::Arc;

use adapter::Receipt;
use bytes::Bytes;
use notice::{EventName, Notice, UserId};

use super::refresh::refresh;
use crate::{
    config::Conformance,
    events::{Dropped, Heard},
    forms::quoted,
    frames_of,
    login::{self, Answer, Turn},
    relay,
    seat::Seat,
    uplink,
};

/// One event from a client, checked to be JSON.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) event: String,
    /// The arguments' JSON texts joined by commas.
    pub(crate) args: String,
    pub(crate) attachments: Vec<Bytes>,
}

/// The answer to a call: the list of the acknowledgement's arguments, and what they refer to.
#[derive(Debug)]
struct Handled {
    args: String,
    attachments: Vec<Bytes>,
    /// Kept until the answer is sent.
    _turn: Option<Turn>,
}

impl From<Answer> for Handled {
    fn from(Answer { json, turn }: Answer) -> Self {
        Self { _turn: Some(turn), ..Self::one(&json) }
    }
}

impl Handled {
    fn one(json: &str) -> Self {
        Self { args: format!("[{json}]"), attachments: Vec::new(), _turn: None }
    }

    fn error(code: &str, message: &str) -> Self {
        let message = quoted(message);
        Self::one(&format!("{{\"error\":{{\"code\":\"{code}\",\"message\":{message}}}}}"))
    }
}

/// Does what the client asks for, and tells it what came of that if it wants to know. What nobody handles is
/// answered with an error, never in silence.
pub(crate) async fn answer(seat: &Arc<Seat>, call: Call, ack: Option<i64>) {
    let handled = match handle(seat, &call).await {
        Some(handled) => handled,
        None => match hand_on(seat, call) {
            Ok(receipt) => {
                // Without an `ack` the bus alone counts what becomes of it.
                ack.inspect(|&ack| uplink::acknowledge(seat, ack, receipt));
                return;
            }
            Err(handled) => handled,
        },
    };
    let Some(ack) = ack else { return };
    seat.session.send(&frames_of::ack(seat, ack, &handled.args, handled.attachments));
}

/// What is settled on this node. `None`: the event is not one of ours.
async fn handle(seat: &Arc<Seat>, call: &Call) -> Option<Handled> {
    let shared = &seat.session.shared;
    if shared.config.conformance == Some(Conformance::Socket) && call.event == "message-with-ack" {
        let args = format!("[{}]", call.args);
        return Some(Handled { args, attachments: call.attachments.clone(), _turn: None });
    }
    if !seat.session.is_within_pace() {
        shared.events.heard(Heard::Limited);
        return Some(too_fast(seat, &call.event));
    }
    if let Err(error) = EventName::new(&call.event) {
        shared.events.heard(Heard::Reserved);
        return Some(Handled::error("event", &error.to_string()));
    }
    if notice::is_too_deep(&call.args) {
        shared.events.heard(Heard::TooDeep);
        return Some(Handled::error("malformed", "the arguments nest too deep"));
    }
    let handled = match (call.event.as_str(), &seat.user) {
        ("tasks", Some(user)) => tasks(seat, user).await,
        ("loginRoom", _) if seat.namespace.is_root() => {
            login::login_room(seat, &call.args).await.into()
        }
        ("leaveRoom", _) if seat.namespace.is_root() => {
            login::leave_room(seat, &call.args).await.into()
        }
        ("token", _) if !shared.gate.is_open() => prolonged(seat, &call.args).await,
        (relay::EVENT, _) if !shared.config.uplink.relay.is_empty() => {
            return Some(relayed(seat, call).await);
        }
        _ => return None,
    };
    shared.events.heard(Heard::Answered);
    Some(handled)
}

/// Hands the event to the backend, if it reads what clients say.
fn hand_on(seat: &Seat, call: Call) -> Result<Receipt, Handled> {
    let events = &seat.session.shared.events;
    let event = call.event.clone();
    match uplink::hand(seat, call) {
        Some(Ok(receipt)) => {
            events.heard(Heard::HandedOn);
            Ok(receipt)
        }
        Some(Err(reason)) => {
            events.heard(Heard::NotHandedOn);
            Err(Handled::error(reason.code, reason.message))
        }
        None => {
            events.heard(Heard::Unhandled);
            let message = format!("nobody handles the event {event:?} here: no stream is set");
            Err(Handled::error("unhandled", &message))
        }
    }
}

async fn relayed(seat: &Seat, call: &Call) -> Handled {
    let events = &seat.session.shared.events;
    match relay::relay(seat, call).await {
        Ok(id) => {
            events.heard(Heard::Relayed);
            Handled::one(&format!("{{\"id\":{}}}", quoted(&id.to_string())))
        }
        Err(reason) => {
            events.heard(Heard::NotRelayed);
            Handled::error(reason.code, reason.message)
        }
    }
}

/// Pages wait for a login's answer as `downmsg`.
fn too_fast(seat: &Arc<Seat>, event: &str) -> Handled {
    if seat.namespace.is_root() && event == "loginRoom" {
        return Handled::one(&login::too_fast(seat));
    }
    Handled::error("rate_limited", "too many events, slow down")
}

async fn prolonged(seat: &Arc<Seat>, args: &str) -> Handled {
    match refresh(seat, args).await {
        Ok(json) => Handled::one(&json),
        Err(refusal) => {
            seat.session.shared.events.dropped(Dropped::Token);
            Handled::error(refusal.label(), &refusal.message())
        }
    }
}

async fn tasks(seat: &Seat, user: &UserId) -> Handled {
    let shared = &seat.session.shared;
    match shared.store.tasks(user).await {
        Ok(tasks) => Handled::one(&listed(&tasks)),
        Err(error) => {
            shared.events.store_away(&error);
            Handled::error("unavailable", "try again later")
        }
    }
}

/// `[{"event","data","id"}]`, one for each notice.
pub(crate) fn listed(notices: &[Arc<Notice>]) -> String {
    let one = |notice: &Arc<Notice>| {
        let event = notice.draft.event.as_ref().map_or("", |event| event.as_str());
        let (event, id) = (quoted(event), quoted(&notice.id().to_string()));
        format!("{{\"event\":{event},\"data\":{},\"id\":{id}}}", notice.draft.payload.args())
    };
    format!("[{}]", notices.iter().map(one).collect::<Vec<_>>().join(","))
}
