//! Answers what other nodes ask of this one, one question after the other, so that what one of them asks
//! in turn is done in turn. An order waits in the queue of orders, where it may take its time.

use std::{sync::Arc, time::SystemTime};

use adapter::Requests;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use notice::{
    Audience, Draft, EventName, Kind, Namespace, Notice, Origin, Payload, Scope, SocketId,
};
use tokio_util::sync::CancellationToken;

use crate::{
    census,
    forms::Forms,
    questions::{self, Answer, Emit, Question},
    shared::Shared,
};

/// Runs until `stop`, or until the bus is gone.
pub(crate) async fn answer_all(
    shared: &Arc<Shared>,
    mut requests: Requests,
    stop: CancellationToken,
) {
    loop {
        let request = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            request = requests.next() => request,
        };
        let Some(request) = request else { return };
        let answer = match questions::open(&request.question) {
            Some(Question::Do(order)) => {
                shared.orders.take(shared, order, request).await;
                continue;
            }
            Some(Question::Sockets(which)) => {
                Answer::Sockets(census::sockets(shared, &which).await)
            }
            Some(Question::Rooms(which)) => Answer::Rooms(census::rooms(shared, &which)),
            Some(Question::Emit(emit)) => hand_over(shared, emit),
            None => Answer::Unknown,
        };
        if matches!(answer, Answer::Unknown) {
            shared.events.stranger(&request.from);
        }
        request.answer(questions::seal(&answer)).await;
    }
}

fn hand_over(shared: &Shared, emit: Emit) -> Answer {
    // The asker takes only names that are names here too.
    let Some((id, draft)) = draft(emit) else { return Answer::Unknown };
    let sent = send(shared, &id, draft);
    sent.map_or(Answer::NotHere, |(id, sockets)| Answer::Sent { id, sockets })
}

/// Sends to one socket of this node. Gives the notice's id, and how many took it: one, or none if the
/// socket is going. `None`: it is not here.
pub(crate) fn send(shared: &Shared, id: &SocketId, draft: Draft) -> Option<(String, usize)> {
    let seat = shared.hub.socket(&draft.audience.namespace, id)?;
    let position = shared.local_id(draft.audience.clone()).position;
    let notice = Notice { draft, position };
    let taken = seat.send(&Forms::new(&notice, false), SystemTime::now(), &shared.events);
    Some((notice.id().to_string(), usize::from(taken)))
}

/// `draft` as it is asked of the node with the socket.
pub(crate) fn emit(id: &SocketId, draft: &Draft) -> Emit {
    let attachments = draft.payload.attachments().iter();
    Emit {
        namespace: draft.audience.namespace.to_string(),
        socket: id.to_string(),
        event: draft.event.as_ref().map(|event| event.as_str().to_owned()),
        args: draft.payload.args().to_owned(),
        attachments: attachments.map(|bytes| STANDARD.encode(bytes)).collect(),
    }
}

fn draft(emit: Emit) -> Option<(SocketId, Draft)> {
    let id = SocketId::new(&emit.socket).ok()?;
    let namespace = Namespace::new(&emit.namespace).ok()?;
    let event = emit.event.as_deref().map(EventName::new).transpose().ok()?;
    let attachments = emit.attachments.iter().map(|text| STANDARD.decode(text).map(Bytes::from));
    let attachments = attachments.collect::<Result<_, _>>().ok()?;
    let draft = Draft {
        audience: Audience { namespace, scope: Scope::Socket(id.clone()) },
        event,
        payload: Payload::joined(emit.args.into(), attachments)?,
        kind: Kind::Plain,
        origin: Origin::Backend,
        handed_in: SystemTime::now(),
    };
    Some((id, draft))
}
