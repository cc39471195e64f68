//! What a browser finds on the internal port: the console, and the demo's pages.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header, uri::Authority};

use crate::node::answer::{Problem, typed};

const HEAD: &str = include_str!("../../page/head.html");
const DEMO: &str = include_str!("../../page/demo.html");
const DEMO_SCRIPT: &str = include_str!("../../page/demo.js");
const ROOMS: &str = include_str!("../../page/rooms.html");
const ROOMS_SCRIPT: &str = include_str!("../../page/rooms.js");
const CONSOLE: &str = include_str!("../../page/console.html");
const CONSOLE_STYLE: &str = include_str!("../../page/console/console.css");
const CONSOLE_SCRIPTS: [(&str, &str); 6] = [
    ("console.js", include_str!("../../page/console/console.js")),
    ("cluster.js", include_str!("../../page/console/cluster.js")),
    ("dead.js", include_str!("../../page/console/dead.js")),
    ("node.js", include_str!("../../page/console/node.js")),
    ("rates.js", include_str!("../../page/console/rates.js")),
    ("someone.js", include_str!("../../page/console/someone.js")),
];
/// It runs its own scripts, asks its own node, and stands in nobody's frame.
const CONSOLE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Tells the console that there are the demo's pages beside it.
const DEMO_MARK: &str = "  <meta name=\"carillon-demo\" content=\"yes\">\n";
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
  GET  /v1/tail       what a user or room is sent, as it is sent
  GET  /v1/dead       what nobody could use of the workers' messages
  GET  /metrics       what the node counts, for Prometheus
  GET  /livez         whether it lives
  GET  /readyz        whether it wants traffic
  GET  /carillon.js   the module for pages

In a browser, GET / is a console. Clients connect to the public port.
";

/// The console, the module and the document always; the demo's pages while there is a demo.
pub(super) fn router(demo: bool, public: Option<SocketAddr>) -> Router {
    let router = Router::new()
        .route("/", get(async move |headers: HeaderMap| front(demo, &headers)))
        .route("/console/{file}", get(async |Path(file): Path<String>| part(&file)))
        .route("/style.css", get(async || css(STYLE)))
        .route("/carillon.js", get(async || script(gateway::MODULE)))
        .route("/openapi.json", get(async || typed(StatusCode::OK, "application/json", OPENAPI)));
    match public.filter(|_| demo) {
        Some(public) => router
            .route("/demo", get(async move |headers: HeaderMap| page(DEMO, public, &headers)))
            .route("/demo.js", get(async || script(DEMO_SCRIPT)))
            .route("/rooms", get(async move |headers: HeaderMap| page(ROOMS, public, &headers)))
            .route("/rooms.js", get(async || script(ROOMS_SCRIPT))),
        None => router,
    }
}

fn script(text: &'static str) -> Response {
    typed(StatusCode::OK, "text/javascript; charset=utf-8", text)
}

fn css(text: &'static str) -> Response {
    typed(StatusCode::OK, "text/css; charset=utf-8", text)
}

/// The console to who reads pages, and a word about the port to all others.
fn front(demo: bool, headers: &HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let reads_pages = accept.is_some_and(|accept| accept.contains("text/html"));
    let mut answer = if reads_pages {
        let head = if demo { format!("{HEAD}{DEMO_MARK}") } else { HEAD.to_owned() };
        let page = CONSOLE.replace(HEAD_HERE, &head).replace(PUBLIC_URL, "");
        typed(StatusCode::OK, "text/html; charset=utf-8", page)
    } else {
        typed(StatusCode::OK, "text/plain; charset=utf-8", ABOUT)
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONSOLE_POLICY));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    answer
}

fn part(file: &str) -> Response {
    if file == "console.css" {
        return css(CONSOLE_STYLE);
    }
    match CONSOLE_SCRIPTS.iter().find(|(name, _)| *name == file) {
        Some((_, text)) => script(text),
        None => Problem::NotFound { hint: "GET / is the console".to_owned() }.into_response(),
    }
}

fn page(page: &str, public: SocketAddr, headers: &HeaderMap) -> Response {
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
