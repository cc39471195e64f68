//! What a client says to the server, and who handles it.

use std::sync::Arc;

use bytes::Bytes;
use notice::{EventName, Notice};

use super::refresh::refresh;
use crate::{
    config::Conformance,
    events::Dropped,
    forms::quoted,
    login::{self, Answer, Turn},
    seat::Seat,
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
pub(crate) struct Handled {
    pub(crate) args: String,
    pub(crate) attachments: Vec<Bytes>,
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

/// Does what the client asks for. What nobody handles is answered with an error, never in silence.
pub(crate) async fn handle(seat: &Arc<Seat>, call: Call) -> Handled {
    let shared = &seat.session.shared;
    if shared.config.conformance == Some(Conformance::Socket) && call.event == "message-with-ack" {
        return Handled {
            args: format!("[{}]", call.args),
            attachments: call.attachments,
            _turn: None,
        };
    }
    if let Err(error) = EventName::new(&call.event) {
        shared.events.dropped(Dropped::Reserved);
        return Handled::error("event", &error.to_string());
    }
    if let ("tasks", Some(user)) = (call.event.as_str(), &seat.user) {
        return match shared.store.tasks(user).await {
            Ok(tasks) => Handled::one(&listed(&tasks)),
            Err(error) => {
                shared.events.store_away(&error);
                Handled::error("unavailable", "try again later")
            }
        };
    }
    if call.event == "token" && !shared.gate.is_open() {
        return match refresh(seat, &call.args).await {
            Ok(json) => Handled::one(&json),
            Err(refusal) => {
                shared.events.dropped(Dropped::Token);
                Handled::error(refusal.label(), &refusal.message())
            }
        };
    }
    if seat.namespace.is_root() {
        match call.event.as_str() {
            "loginRoom" => return login::login_room(seat, &call.args).await.into(),
            "leaveRoom" => return login::leave_room(seat, &call.args).await.into(),
            _ => {}
        }
    }
    shared.events.dropped(Dropped::Unhandled);
    Handled::error("unhandled", &format!("nobody handles the event {:?} here", call.event))
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
