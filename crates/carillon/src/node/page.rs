//! What a browser finds on the internal port: the demo's pages, or a word about what the port is.

use std::net::SocketAddr;

use axum::{Router, response::Response, routing::get};
use http::{HeaderMap, StatusCode, header, uri::Authority};

use crate::node::answer::typed;

const HEAD: &str = include_str!("../../page/head.html");
const INDEX: &str = include_str!("../../page/index.html");
const SCRIPT: &str = include_str!("../../page/demo.js");
const ROOMS: &str = include_str!("../../page/rooms.html");
const ROOMS_SCRIPT: &str = include_str!("../../page/rooms.js");
/// What the port takes and answers, for programs to read.
const OPENAPI: &str = include_str!("../../../../docs/openapi.json");
const STYLE: &str = include_str!("../../page/style.css");
/// What each page has in place of what all pages begin with.
const HEAD_HERE: &str = "__HEAD__\n";
/// What that has in place of the public address.
const PUBLIC_URL: &str = "__PUBLIC_URL__";

const ABOUT: &str = "This is the internal port of a Carillon node.

  GET  /openapi.json  every call, as OpenAPI 3.1
  POST /v1/tasks      takes worker messages
  POST /v1/emit       sends an event to clients
  GET  /v1/sockets    who is connected
  GET  /v1/nodes      which nodes there are, how full, and which of them go
  GET  /v1/dead       what nobody could use of the workers' messages
  GET  /metrics       what the node counts, for Prometheus
  GET  /livez         whether it lives
  GET  /readyz        whether it wants traffic
  GET  /carillon.js   the module for pages

Clients connect to the public port. `carillon demo` shows a page here.
";

/// The page while there is a demo, else the word about the port; the module and the document always.
pub(super) fn router(demo: bool, public: Option<SocketAddr>) -> Router {
    let script = |text: &'static str| typed(StatusCode::OK, "text/javascript; charset=utf-8", text);
    let module = Router::new()
        .route("/carillon.js", get(async move || script(gateway::MODULE)))
        .route("/openapi.json", get(async || typed(StatusCode::OK, "application/json", OPENAPI)));
    match (demo, public) {
        (true, Some(public)) => module
            .route("/", get(async move |headers: HeaderMap| index(INDEX, public, &headers)))
            .route("/rooms", get(async move |headers: HeaderMap| index(ROOMS, public, &headers)))
            .route("/rooms.js", get(async move || script(ROOMS_SCRIPT)))
            .route("/demo.js", get(async move || script(SCRIPT)))
            .route(
                "/style.css",
                get(async || typed(StatusCode::OK, "text/css; charset=utf-8", STYLE)),
            ),
        _ => module
            .route("/", get(async || typed(StatusCode::OK, "text/plain; charset=utf-8", ABOUT))),
    }
}

fn index(page: &str, public: SocketAddr, headers: &HeaderMap) -> Response {
    let page = page.replace(HEAD_HERE, HEAD).replace(PUBLIC_URL, &public_url(public, headers));
    typed(StatusCode::OK, "text/html; charset=utf-8", page)
}

/// Where the page finds the public port: at its address, or, where that is every address, at the
/// name that the browser already uses for this machine.
fn public_url(public: SocketAddr, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    match host {
        Some(host) if public.ip().is_unspecified() => {
            format!("http://{}:{}", host.host(), public.port())
        }
        _ => format!("http://{public}"),
    }
}
