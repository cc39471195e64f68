//! Every path of the internal port, and what it asks of its caller. docs/openapi.json says the same, as a
//! test holds.
//!
//! Promise: what is not in the table asks for the most.

use axum::extract::{MatchedPath, Request};
use http::Method;

use crate::settings::Scope;

/// What a caller must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    /// It is told to everyone: no secrets, no users, the same on every node of a release.
    Nothing,
    /// Any key: there is nothing there.
    Key,
    Scope(Scope),
}

/// What is asked of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Terms {
    pub(super) need: Need,
    /// What it does, if that leaves a line in the audit.
    pub(super) deed: Option<&'static str>,
}

type Route = (Method, &'static str, Terms);

const OPEN: Terms = Terms { need: Need::Nothing, deed: None };
const PUBLISH: Terms = Terms { need: Need::Scope(Scope::Publish), deed: None };
const READ: Terms = Terms { need: Need::Scope(Scope::Read), deed: None };
const ADMIN: Terms = Terms { need: Need::Scope(Scope::Admin), deed: None };

const fn audited(deed: &'static str) -> Terms {
    Terms { deed: Some(deed), ..ADMIN }
}

const ROUTES: [Route; 34] = [
    (Method::GET, "/livez", OPEN),
    (Method::GET, "/readyz", OPEN),
    (Method::GET, "/metrics", OPEN),
    (Method::GET, "/openapi.json", OPEN),
    (Method::GET, "/", OPEN),
    (Method::GET, "/carillon.js", OPEN),
    (Method::GET, "/console/{file}", OPEN),
    (Method::GET, "/demo", OPEN),
    (Method::GET, "/demo.js", OPEN),
    (Method::GET, "/rooms", OPEN),
    (Method::GET, "/rooms.js", OPEN),
    (Method::GET, "/style.css", OPEN),
    (Method::POST, "/v1/tasks", PUBLISH),
    (Method::POST, "/v1/emit", PUBLISH),
    (Method::POST, "/v1/downlink", PUBLISH),
    (Method::GET, "/v1/sockets", READ),
    (Method::GET, "/v1/rooms", READ),
    (Method::GET, "/v1/nodes", READ),
    (Method::GET, "/v1/tail", READ),
    (Method::GET, "/v1/users/{id}/tasks", READ),
    (Method::GET, "/v1/dead", READ),
    (Method::GET, "/v1/revocations", READ),
    (Method::GET, "/v1/log", READ),
    (Method::PUT, "/v1/log", audited("log")),
    (Method::POST, "/v1/revocations", audited("revoke")),
    (Method::POST, "/v1/sockets/join", audited("join")),
    (Method::POST, "/v1/sockets/leave", audited("leave")),
    (Method::POST, "/v1/sockets/disconnect", audited("disconnect")),
    (Method::POST, "/v1/nodes/{id}/drain", audited("drain")),
    (Method::POST, "/v1/nodes/rebalance", audited("rebalance")),
    (Method::POST, "/v1/nodes/{id}/rebalance", audited("rebalance")),
    (Method::DELETE, "/v1/users/{id}/tasks/{identity}", audited("forget")),
    (Method::POST, "/v1/dead/replay", audited("replay")),
    (Method::POST, "/v1/dead/drop", audited("drop")),
];

/// The terms of what the router has matched.
pub(super) fn terms_of(request: &Request) -> Terms {
    match request.extensions().get::<MatchedPath>() {
        Some(path) => terms(request.method(), path.as_str()),
        None => Terms { need: Need::Key, deed: None },
    }
}

/// The role of nodes that have this path or one below it; `None` where all have it, or none.
pub(super) fn role_of(path: &str) -> Option<&'static str> {
    let first = |path: &str| path.split('/').take(3).collect::<Vec<_>>().join("/");
    let is_there = ROUTES.iter().any(|route| first(route.1) == first(path));
    match first(path).as_str() {
        "/v1/log" => None,
        "/v1/tasks" | "/v1/dead" => Some("ingest"),
        _ if is_there && path.starts_with("/v1/") => Some("gateway"),
        _ => None,
    }
}

fn terms(method: &Method, path: &str) -> Terms {
    // Whatever answers GET answers HEAD.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let route = ROUTES.iter().find(|route| route.0 == *method && route.1 == path);
    route.map_or(ADMIN, |route| route.2)
}

#[cfg(test)]
mod tests {
    //! The table says what docs/openapi.json says.

    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    /// What is shown to people.
    const PAGES: [&str; 6] =
        ["/console/{file}", "/demo", "/demo.js", "/rooms", "/rooms.js", "/style.css"];

    fn documented() -> BTreeMap<String, Vec<String>> {
        let document: Value =
            serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let calls = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, says)| {
                let keys = says["security"].as_array().expect("every call says what it asks for");
                let scopes =
                    keys.iter().flat_map(|key| key["bearer"].as_array().into_iter().flatten());
                let scopes = scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect();
                (format!("{} {path}", method.to_uppercase()), scopes)
            })
        });
        calls.collect()
    }

    #[test]
    fn every_call_asks_for_the_scope_that_its_documentation_names_and_no_other_call_is_there() {
        let routes = ROUTES.iter().filter(|(_, path, _)| !PAGES.contains(path));
        let table = routes.map(|(method, path, terms)| {
            let scopes = match terms.need {
                Need::Scope(scope) => vec![scope.name().to_owned()],
                Need::Nothing | Need::Key => Vec::new(),
            };
            (format!("{method} {path}"), scopes)
        });
        assert_eq!(table.collect::<BTreeMap<_, _>>(), documented());
    }

    #[test]
    fn a_path_is_of_the_role_whose_nodes_have_it() {
        assert_eq!(role_of("/v1/dead/replay"), Some("ingest"));
        assert_eq!(role_of("/v1/users/5/tasks"), Some("gateway"));
        assert_eq!(role_of("/v1/tail"), Some("gateway"));
        for path in ["/v1/log", "/livez", "/v1/new", "/"] {
            assert_eq!(role_of(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_asks_for_the_most() {
        assert_eq!(terms(&Method::PUT, "/v1/tasks"), ADMIN);
        assert_eq!(terms(&Method::GET, "/v1/new"), ADMIN);
        assert_eq!(terms(&Method::HEAD, "/v1/sockets"), READ);
    }
}
