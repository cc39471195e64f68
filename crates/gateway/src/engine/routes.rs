//! Which request goes where on the public port; origins and CORS for all of them.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;

use super::{handshake, slot::Slot};
use crate::{
    events::Handshake,
    module::MODULE,
    plain::{self, EventBody},
    script::Script,
    shared::Shared,
};

pub(crate) type Body = Either<Full<Bytes>, EventBody>;
pub(crate) type Answer = Response<Body>;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

static CARILLON_JS: LazyLock<Script> = LazyLock::new(|| Script::new(MODULE));

/// A request with all that its answer may need.
pub(crate) struct Asking {
    pub(crate) shared: Arc<Shared>,
    pub(crate) slot: Arc<Slot>,
    pub(crate) address: IpAddr,
    pub(crate) request: Request<Incoming>,
}

/// Answers one request. It never fails: every failure is an answer.
pub(super) async fn route(
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    address: IpAddr,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let headers = request.headers();
    let came_in_pieces = headers.contains_key(header::TRANSFER_ENCODING);
    let origin = headers.get(header::ORIGIN).cloned();
    if !origin_allowed(&shared, headers, origin.as_ref()) {
        shared.events.handshake(Handshake::Origin);
        return Ok(forbidden_origin(origin.as_ref()));
    }
    let Ok(address) = shared.config.proxies.client(address, headers) else {
        shared.events.handshake(Handshake::Forwarded);
        return Ok(plain_text(StatusCode::BAD_REQUEST, "whom the proxy speaks for is no address"));
    };
    let mut answer = if request.method() == Method::OPTIONS {
        preflight(headers)
    } else if shared.stopping.is_cancelled() && !names_session(&request) {
        shared.events.handshake(Handshake::Draining);
        let mut answer = unavailable();
        // What is in front of the node opens its next connection to another.
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        answer
    } else {
        by_path(Asking { shared, slot, address, request }).await
    };
    if came_in_pieces {
        // It may have said a length as well, which a proxy in front may have believed: whatever is behind it
        // is no request (RFC 9112 §6.1).
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(origin) = origin {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    Ok(answer)
}

async fn by_path(asking: Asking) -> Answer {
    let path = asking.request.uri().path();
    let engine = asking.shared.config.path.as_str();
    if path == engine || path == engine.trim_end_matches('/') {
        return handshake::engine(asking).await;
    }
    if let Some(name) = path.strip_prefix(engine).filter(|name| is_client_file(name)) {
        return client_file(&asking, name);
    }
    match path {
        "/ws" => plain::websocket(asking).await,
        "/events" => plain::events(asking).await,
        "/carillon.js" => CARILLON_JS.answer(asking.request.method(), asking.request.headers()),
        _ => plain_text(
            StatusCode::NOT_FOUND,
            &format!(
                "nothing is served here; Socket.IO is at {engine}, plain clients at /ws and /events"
            ),
        ),
    }
}

fn is_client_file(name: &str) -> bool {
    matches!(name.strip_suffix(".map").unwrap_or(name), "socket.io.js" | "socket.io.min.js")
}

fn client_file(asking: &Asking, name: &str) -> Answer {
    let bundle = asking.shared.config.serve_client.as_ref();
    let missing = match (bundle, bundle.and_then(|bundle| bundle.file(name))) {
        (_, Some(file)) => {
            return file.answer(asking.request.method(), asking.request.headers());
        }
        (Some(_), None) => "there is no .map beside the file of public.serve_client",
        (None, None) => {
            "no client is served; point public.serve_client at dist/socket.io.min.js of the npm \
             package socket.io-client, or import /carillon.js"
        }
    };
    plain_text(StatusCode::NOT_FOUND, missing)
}

/// Whether the request belongs to a session that is still being let go.
fn names_session(request: &Request<Incoming>) -> bool {
    request.uri().query().is_some_and(|query| query.contains("sid="))
}

fn origin_allowed(shared: &Shared, headers: &HeaderMap, origin: Option<&HeaderValue>) -> bool {
    let Some(origin) = origin else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_tls = shared.tls.is_some();
    origin.to_str().is_ok_and(|origin| shared.config.origins.allow(origin, host, is_tls))
}

fn forbidden_origin(origin: Option<&HeaderValue>) -> Answer {
    let origin = origin.and_then(|origin| origin.to_str().ok()).unwrap_or("?");
    plain_text(StatusCode::FORBIDDEN, &format!("origin {origin} is not in public.origins"))
}

fn preflight(asked: &HeaderMap) -> Answer {
    let mut answer = with_type(StatusCode::NO_CONTENT, PLAIN, Bytes::new());
    let headers = answer.headers_mut();
    let methods = HeaderValue::from_static("GET, POST");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    answer
}

/// 503: the node takes nobody now.
pub(crate) fn unavailable() -> Answer {
    come_again(StatusCode::SERVICE_UNAVAILABLE, 1, "this node takes no newcomers now")
}

pub(crate) fn come_again(status: StatusCode, seconds: u16, text: &str) -> Answer {
    let mut answer = plain_text(status, text);
    answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    answer
}

pub(crate) fn plain_text(status: StatusCode, text: &str) -> Answer {
    with_type(status, PLAIN, Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) fn json(status: StatusCode, json: String) -> Answer {
    with_type(status, JSON, json)
}

pub(crate) fn with_type(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
