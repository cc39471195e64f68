//! Answers what other nodes ask of this one, one question after the other, so that what one of them asks
//! in turn is done in turn. An order waits in the queue of orders, where it may take its time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use adapter::Requests;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use notice::{
    Audience, Draft, EventName, Kind, NameError, Namespace, Narrowing, Notice, Origin, Payload,
    Room, Scope, SocketId, Trace, TraceState,
};
use tokio_util::sync::CancellationToken;
use trace::Hearing;

use crate::{
    census,
    drain::{self, Wish},
    events::Tally,
    forms::Forms,
    hub::Choice,
    questions::{self, Answer, Done, Emit, Except, Question},
    recovery,
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
            Some(Question::Revoked) => {
                shared.revocations.look_for(request).await;
                continue;
            }
            Some(Question::Sockets(which)) => {
                Answer::Sockets(census::sockets(shared, &which).await)
            }
            Some(Question::Rooms(which)) => Answer::Rooms(census::rooms(shared, &which)),
            Some(Question::Emit(emit)) => carry_out(shared, draft(emit, None)),
            Some(Question::EmitExcept(emit, except)) => {
                carry_out(shared, draft(emit, Some(&except)))
            }
            Some(Question::Resumed { namespace, socket, number }) => {
                resumed(shared, &namespace, &socket, number)
            }
            Some(Question::Empty { over_ms }) => {
                wish(shared, Wish::Empty { over: Duration::from_millis(over_ms) })
            }
            Some(Question::Shed { keep, over_ms }) => {
                wish(shared, Wish::Shed { keep, over: Duration::from_millis(over_ms) })
            }
            None => Answer::Unknown,
        };
        if matches!(answer, Answer::Unknown) {
            shared.events.stranger(&request.from);
        }
        request.answer(questions::seal(&answer)).await;
    }
}

fn resumed(shared: &Shared, namespace: &str, socket: &str, number: u64) -> Answer {
    let names = Namespace::new(namespace).ok().zip(SocketId::new(socket).ok());
    let Some((namespace, socket)) = names else { return Answer::Unknown };
    let was_here = recovery::let_go(shared, &namespace, &socket, number);
    if was_here { Answer::Done(Done { sockets: 1, full: 0 }) } else { Answer::NotHere }
}

fn wish(shared: &Shared, wish: Wish) -> Answer {
    drain::begin(shared, wish).map_or(Answer::Busy, |sockets| Answer::Leaving { sockets })
}

fn carry_out(shared: &Shared, emit: Option<(SocketId, Draft)>) -> Answer {
    let Some((id, draft)) = emit else { return Answer::Unknown };
    let sent = send(shared, &id, draft);
    sent.map_or(Answer::NotHere, |(id, sockets)| Answer::Sent { id, sockets })
}

/// Sends to one socket of this node. Gives the notice's id, and how many took it: one, or none if the
/// socket is going or excepted. `None`: it is not here.
pub(crate) fn send(shared: &Shared, id: &SocketId, draft: Draft) -> Option<(String, usize)> {
    let seat = shared.hub.socket(&draft.audience.namespace, id)?;
    let position = shared.local_id(draft.audience.clone()).position;
    let notice = Arc::new(Notice { draft, position });
    let hearing = Hearing::begin(&notice, &shared.config.node);
    let is_meant = Choice::of(notice.draft.narrowing.as_deref()).takes(&seat);
    let forms = Forms::new(Arc::clone(&notice), false);
    let mut tally = Tally::of_round(&shared.events, SystemTime::now());
    let sockets = usize::from(is_meant && seat.deliver(&forms, &mut tally));
    if let Some(hearing) = hearing {
        hearing.ended(&notice, sockets);
    }
    Some((notice.id().to_string(), sockets))
}

/// `draft` as it is asked of the node with the socket.
pub(crate) fn question(id: &SocketId, draft: &Draft) -> Question {
    let attachments = draft.payload.attachments().iter();
    let emit = Emit {
        namespace: draft.audience.namespace.to_string(),
        socket: id.to_string(),
        event: draft.event.as_ref().map(|event| event.as_str().to_owned()),
        args: draft.payload.args().to_owned(),
        attachments: attachments.map(|bytes| STANDARD.encode(bytes)).collect(),
        volatile: draft.kind == Kind::Volatile,
        trace: draft.trace.as_ref().map(ToString::to_string),
        state: draft
            .trace
            .as_ref()
            .and_then(|trace| Some(trace.state.as_ref()?.as_str().to_owned())),
    };
    let Some(narrowing) = &draft.narrowing else { return Question::Emit(emit) };
    let rooms = narrowing.except_rooms.iter().map(Room::to_string).collect();
    let sockets = narrowing.except_sockets.iter().map(SocketId::to_string).collect();
    Question::EmitExcept(emit, Except { rooms, sockets })
}

fn draft(emit: Emit, except: Option<&Except>) -> Option<(SocketId, Draft)> {
    let id = SocketId::new(&emit.socket).ok()?;
    let namespace = Namespace::new(&emit.namespace).ok()?;
    let event = emit.event.as_deref().map(EventName::new).transpose().ok()?;
    let attachments = emit.attachments.iter().map(|text| STANDARD.decode(text).map(Bytes::from));
    let attachments = attachments.collect::<Result<_, _>>().ok()?;
    let draft = Draft {
        audience: Audience { namespace, scope: Scope::Socket(id.clone()) },
        narrowing: except.map(narrowing).transpose().ok()?.map(Arc::new),
        event,
        payload: Payload::joined(emit.args.into(), attachments)?,
        kind: if emit.volatile { Kind::Volatile } else { Kind::Plain },
        origin: Origin::Backend,
        handed_in: SystemTime::now(),
        trace: trace(emit.trace.as_deref(), emit.state.as_deref()).map(Box::new),
    };
    Some((id, draft))
}

fn trace(text: Option<&str>, state: Option<&str>) -> Option<Trace> {
    Some(Trace { state: state.and_then(TraceState::parse), ..Trace::parse(text?)? })
}

fn narrowing(except: &Except) -> Result<Narrowing, NameError> {
    let rooms = except.rooms.iter().map(|room| Room::new(room));
    let sockets = except.sockets.iter().map(|socket| SocketId::new(socket));
    Ok(Narrowing {
        except_rooms: rooms.collect::<Result<_, _>>()?,
        except_sockets: sockets.collect::<Result<_, _>>()?,
        ..Narrowing::default()
    })
}
