//! Engine.IO requests: new sessions by polling or WebSocket, polls, posts, upgrades.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tungstenite::handshake::derive_accept_key;

use super::{
    berth::{Berth, berth},
    dialect::Dialect,
    http::Purpose,
    line::Transport,
    payload, polling,
    polls::Polls,
    pulse::Beat,
    request::{Asked, Asks, Unfit},
    routes::{Answer, Asking, json, plain_text, with_type},
    session::Session,
    websocket::Opening,
};
use crate::{
    departure::Departure,
    encoded::Encoded,
    events::Handshake,
    forwarding::forward,
    shared::Shared,
    socket::{self, Brought, Query},
};

/// How long a WebSocket's key is (RFC 6455 §4.1).
const KEY_BYTES: usize = 16;

/// Answers one Engine.IO request.
pub(super) async fn engine(asking: Asking) -> Answer {
    let shared = Arc::clone(&asking.shared);
    match answer(asking).await {
        Ok(answer) => answer,
        Err(bad) => {
            shared.events.handshake(Handshake::BadRequest);
            json(StatusCode::BAD_REQUEST, bad.json())
        }
    }
}

async fn answer(asking: Asking) -> Result<Answer, Unfit> {
    let query = asking.request.uri().query().unwrap_or_default().to_owned();
    let query = Query::new(&query);
    let asked = Asked::read(query)?;
    let is_get = asking.request.method() == Method::GET;
    let is_post = asking.request.method() == Method::POST;
    let Some(id) = &asked.session else {
        return match asked.transport {
            Asks::Polling if is_get && accept_key(asking.request.headers()).is_none() => {
                Ok(open_polling(&asking, &asked).await)
            }
            Asks::WebSocket if is_get => open_websocket(asking, asked.dialect),
            _ => Err(Unfit::BadHandshakeMethod),
        };
    };
    if !asking.shared.ids.made(id) {
        let id = id.to_string();
        return forward(asking, &id).await;
    }
    let session = known_session(&asking.shared, id, asked.dialect)?;
    match asked.transport {
        // One that cannot be upgraded any more is told so by a close, as clients expect it.
        Asks::WebSocket if is_get => switch(asking, Purpose::Upgrade(session)),
        Asks::Polling if is_get => {
            asking.slot.speaks_for(&session);
            polling::poll(&session, asked.stamp).await.map(polled)
        }
        // A client that has changed over speaks on its WebSocket only.
        Asks::Polling if is_post && session.transport() != Transport::WebSocket => {
            post(asking, session).await
        }
        _ => Err(Unfit::OutOfPlace),
    }
}

/// The session of an id, unless it is past a deadline that the pulse has not come to yet.
fn known_session(shared: &Shared, id: &str, dialect: Dialect) -> Result<Arc<Session>, Unfit> {
    let session = shared.sessions.get(id).ok_or(Unfit::SessionUnknown)?;
    if let Some(departure) = session.overdue(shared.now_ms()) {
        session.close(departure);
        return Err(Unfit::SessionUnknown);
    }
    let same = matches!(
        (session.dialect, dialect),
        (Dialect::Engine3 { .. }, Dialect::Engine3 { .. }) | (Dialect::Engine4, Dialect::Engine4)
    );
    if same { Ok(session) } else { Err(Unfit::OutOfPlace) }
}

async fn open_polling(asking: &Asking, asked: &Asked<'_>) -> Answer {
    let dialect = asked.dialect;
    let shared = &asking.shared;
    let berth = match berth(asking) {
        Ok(berth) => berth,
        Err(answer) => return *answer,
    };
    let id = shared.ids.session();
    let transport = Transport::Polling;
    let session = Session::new(shared, id, dialect, transport, brought(asking), asking.address);
    session.line.lock().polls = asked.stamp.map(|stamp| Box::new(Polls::begin(stamp)));
    let open = open_packet(&session);
    enter(&session, berth);
    // On a task of its own: a request that is given up must not leave half a seat.
    let opened = {
        let session = Arc::clone(&session);
        shared.tasks.spawn(async move { socket::opened(&session).await })
    };
    match opened.await {
        Ok(Ok(())) => {
            let body = payload::encode(dialect, std::slice::from_ref(&open));
            shared.events.sent(&open, body.1.len());
            polled(body)
        }
        Ok(Err(departure)) => {
            session.close(departure);
            super::routes::unavailable()
        }
        Err(_stopped) => super::routes::unavailable(),
    }
}

/// Makes a session known, and puts it under the pulse.
pub(crate) fn enter(session: &Arc<Session>, berth: Berth) {
    session.shared.sessions.insert(session, berth);
    if session.shared.stopping.is_cancelled() {
        // Let in before that, and perhaps not among those who were told.
        return session.leave(Departure::Drain);
    }
    if let Some(delay) = session.beat() {
        session.shared.pulse.after(delay, Beat::Heart(Arc::downgrade(session)));
    }
}

/// The Engine.IO open packet. `maxPayload` is what a polling client may send in one body.
pub(super) fn open_packet(session: &Session) -> Arc<Encoded> {
    let config = &session.shared.config;
    let upgrades = match session.transport() {
        Transport::Polling => "\"websocket\"",
        _ => "",
    };
    Encoded::text_only(&format!(
        "0{{\"sid\":\"{}\",\"upgrades\":[{upgrades}],\"pingInterval\":{},\"pingTimeout\":{},\"maxPayload\":{}}}",
        session.id.as_str(),
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.limits.payload_bytes,
    ))
}

fn open_websocket(asking: Asking, dialect: Dialect) -> Result<Answer, Unfit> {
    if accept_key(asking.request.headers()).is_none() {
        return Err(Unfit::OutOfPlace);
    }
    let berth = match berth(&asking) {
        Ok(berth) => berth,
        Err(answer) => return Ok(*answer),
    };
    let opening = Opening { dialect, brought: brought(&asking), address: asking.address, berth };
    switch(asking, Purpose::Engine(Box::new(opening)))
}

fn brought(asking: &Asking) -> Option<Box<Brought>> {
    let query = asking.request.uri().query().unwrap_or_default();
    Brought::of(&asking.shared.showing, asking.request.headers(), query)
}

/// 101, and `purpose` for the connection afterwards.
fn switch(mut asking: Asking, purpose: Purpose) -> Result<Answer, Unfit> {
    let accept = accept_key(asking.request.headers()).ok_or(Unfit::OutOfPlace)?;
    let on_upgrade = hyper::upgrade::on(&mut asking.request);
    asking.slot.put(purpose, on_upgrade);
    Ok(switching(accept))
}

/// The answer to a WebSocket's opening handshake (RFC 6455 §4.2.2).
pub(crate) fn switching(accept: HeaderValue) -> Answer {
    let mut answer = plain_text(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = answer.headers_mut();
    headers.clear();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

/// The `Sec-WebSocket-Accept` that a request's headers ask for, if they ask for a WebSocket.
pub(crate) fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name, word: &str| {
        let value = headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        value.is_some_and(|value| {
            value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
        })
    };
    let asks = has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13");
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None, true) = (keys.next(), keys.next(), asks) else { return None };
    let is_one = STANDARD.decode(key).is_ok_and(|key| key.len() == KEY_BYTES);
    is_one.then(|| HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok())?
}

fn polled((kind, body): payload::Body) -> Answer {
    with_type(StatusCode::OK, kind, body)
}

async fn post(asking: Asking, session: Arc<Session>) -> Result<Answer, Unfit> {
    let Asking { shared, request, .. } = asking;
    let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
    let body = match read_body(&session, request).await {
        Ok(body) => body,
        Err(departure) => return unread(&session, departure),
    };
    let taken = {
        let session = Arc::clone(&session);
        shared.tasks.spawn(async move { polling::post(&session, content_type, body).await })
    };
    match taken.await {
        Ok(Ok(())) => Ok(with_type(StatusCode::OK, HeaderValue::from_static("text/html"), "ok")),
        Ok(Err(bad)) => Err(bad),
        Err(_stopped) => Ok(super::routes::unavailable()),
    }
}

async fn read_body(session: &Session, request: Request<Incoming>) -> Result<Bytes, Departure> {
    let limits = session.shared.config.limits;
    // One that says so beforehand is not waited for.
    if request.body().size_hint().lower() > limits.payload_bytes as u64 {
        return Err(Departure::TooLarge);
    }
    let body = Limited::new(request.into_body(), limits.payload_bytes).collect();
    let body = match tokio::time::timeout(limits.handshake, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Departure::TooLarge),
        Ok(Err(_)) => return Err(Departure::TransportError),
        Err(_elapsed) => return Err(Departure::Late),
    };
    session.shared.events.received_bytes(body.len());
    if session.may_send(body.len()) { Ok(body) } else { Err(Departure::Bytes) }
}

/// The session ends with a body that was not taken.
fn unread(session: &Arc<Session>, departure: Departure) -> Result<Answer, Unfit> {
    if departure == Departure::Bytes {
        // Its poll, on the way perhaps, is still answered.
        session.leave(departure);
    } else {
        session.close(departure);
    }
    let (status, text) = match departure {
        Departure::TooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than limits.payload_bytes")
        }
        Departure::Late => {
            (StatusCode::REQUEST_TIMEOUT, "the body did not come within limits.handshake")
        }
        Departure::Bytes => {
            (StatusCode::TOO_MANY_REQUESTS, "more bytes came than limits.bytes_per_second")
        }
        _ => return Err(Unfit::OutOfPlace),
    };
    Ok(plain_text(status, text))
}
