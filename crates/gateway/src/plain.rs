//! Clients that speak neither Socket.IO nor Engine.IO: a plain WebSocket, and server-sent events.
//!
//! They take seats like all others, with the same identities, origins, cursors and limits; only the
//! form of what they read and write is their own.

mod body;
mod said;

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Either;

pub(crate) use self::{body::EventBody, said::take_in};
use crate::{
    engine::{
        Answer, Asking, Berth, Dialect, Frames, Purpose, Session, Transport, Wire, accept_key,
        berth, enter, hear_rest, plain_text, switching,
    },
    refusal::Refusal,
    seat::Seat,
    shared::Shared,
    socket::{self, Admitted, Brought, Identity, Plea, Query, Source},
};

/// The seat that a plain client asks for in its URL, and may have.
#[derive(Debug)]
pub(crate) struct Wanted {
    admitted: Admitted,
    brought: Option<Box<Brought>>,
    address: IpAddr,
    berth: Berth,
}

impl Wanted {
    /// What is asked for, or the answer to who may not have it.
    async fn of(asking: &Asking) -> Result<Self, Box<Answer>> {
        let berth = berth(asking)?;
        let wanted = Self::read(asking, berth).await;
        wanted.map_err(|refusal| Box::new(refused(&asking.shared, asking.address, &refusal)))
    }

    async fn read(asking: &Asking, berth: Berth) -> Result<Self, Refusal> {
        let text = asking.request.uri().query().unwrap_or_default();
        let query = Query::new(text);
        let namespace = query.get("namespace").unwrap_or("/notice".into()).into_owned();
        // What the browser remembers is newer than what its page's address says.
        let last_event = asking.request.headers().get("last-event-id");
        let last_event = last_event.and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
        let own = Source::default().or_since(last_event);
        let (shared, address) = (&asking.shared, asking.address);
        let brought = Brought::of(&shared.showing, asking.request.headers(), text);
        let transport = Source::query(query);
        let plea = Plea {
            namespace: &namespace,
            identity: &Identity::of(&own, &transport)?,
            token: socket::token_of(&own, &transport, brought.as_deref()),
            query: Query::default(),
            auth: None,
            brought: brought.as_deref(),
            address,
        };
        let admitted = socket::admit(shared, plea).await?;
        Ok(Self { admitted, brought, address, berth })
    }
}

/// `GET /ws?namespace=/notice&user=5`.
pub(crate) async fn websocket(asking: Asking) -> Answer {
    let Some(accept) = accept_key(asking.request.headers()) else {
        return plain_text(
            StatusCode::BAD_REQUEST,
            "this is a WebSocket; for HTTP there is /events",
        );
    };
    let wanted = match Wanted::of(&asking).await {
        Ok(wanted) => Box::new(wanted),
        Err(answer) => return *answer,
    };
    let Asking { slot, mut request, .. } = asking;
    slot.put(Purpose::Plain(wanted), hyper::upgrade::on(&mut request));
    switching(accept)
}

/// Opens a plain WebSocket.
pub(crate) async fn open(
    shared: Arc<Shared>,
    wanted: Box<Wanted>,
    wire: Wire,
    rest: Bytes,
) -> (Arc<Session>, Frames) {
    let (id, dialect) = (shared.ids.session(), Dialect::PlainWebSocket);
    let Wanted { admitted, brought, address, berth } = *wanted;
    let session = Session::new(&shared, id, dialect, Transport::WebSocket, brought, address);
    session.set_wire(wire);
    enter(&session, berth);
    drop(shared);
    sit_down(&session, admitted).await;
    hear_rest(session, &rest).await
}

/// `GET /events?namespace=/notice&user=5`.
pub(crate) async fn events(asking: Asking) -> Answer {
    let shared = &asking.shared;
    let Wanted { admitted, brought, address, berth } = match Wanted::of(&asking).await {
        Ok(wanted) => wanted,
        Err(answer) => return *answer,
    };
    let (id, dialect) = (shared.ids.session(), Dialect::EventStream);
    let session = Session::new(shared, id, dialect, Transport::Stream, brought, address);
    asking.slot.speaks_for(&session);
    enter(&session, berth);
    // Owned by the body from here on: a request that is given up takes the session with it.
    let body = EventBody::of(&session);
    sit_down(&session, admitted).await;
    let mut answer = Response::new(Either::Right(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

async fn sit_down(session: &Arc<Session>, admitted: Admitted) {
    let seated = socket::connect(session, admitted, None, welcome).await;
    if let Err(refusal) = seated {
        session.shared.events.refused(&refusal, session.address);
        session.leave(refusal.departure());
    }
}

fn welcome(seat: &Arc<Seat>) {
    if seat.namespace.is_root() {
        seat.tell("downmsg", socket::CONNECT_SUCCESS);
    }
}

fn refused(shared: &Shared, address: IpAddr, refusal: &Refusal) -> Answer {
    shared.events.refused(refusal, address);
    let mut answer = plain_text(refusal.status(), &refusal.message());
    if !refusal.is_for_good() {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    answer
}
